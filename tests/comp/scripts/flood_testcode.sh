./busybox echo "#### OS COMP TEST GROUP START flood@ ####"
./busybox yes flood
