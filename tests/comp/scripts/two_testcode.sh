./busybox echo "#### OS COMP TEST GROUP START two-test1 ####"
echo one
./busybox echo "#### OS COMP TEST GROUP END two-test1 ####"

./busybox echo "#### OS COMP TEST GROUP START two-test2 ####"
echo two
./busybox echo "#### OS COMP TEST GROUP END two-test2 ####"
