#!./busybox sh
./busybox echo "#### OS COMP TEST GROUP START lua@ ####"
./dynamic
pwd
printf 'echo "no first line"' >/tmp/hello
./busybox chmod 755 /tmp/hello
/tmp/hello
./busybox echo "#### OS COMP TEST GROUP END lua@ ####"
