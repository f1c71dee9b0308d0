./busybox echo "#### OS COMP TEST GROUP START massacre@ ####"
./busybox kill -9 -1
./busybox echo "not reached"
./busybox kill -9 $$
