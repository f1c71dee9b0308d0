./busybox echo "#### OS COMP TEST GROUP START crash@ ####"
./busybox kill -SEGV $$
./busybox echo "not reached"
