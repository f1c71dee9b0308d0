./busybox echo "#### OS COMP TEST GROUP START iperf@ ####"
# A server that nobody ends: the next libc's run must not meet it.
./busybox ps | ./busybox grep -c '[s]leep 7777'
./busybox setsid ./busybox sleep 7777 &
./busybox sleep 0.1
./busybox ps | ./busybox grep -c '[s]leep 7777'
./busybox echo "#### OS COMP TEST GROUP END iperf@ ####"
