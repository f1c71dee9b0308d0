./busybox echo "#### OS COMP TEST GROUP START hang@ ####"
trap '' TERM INT HUP QUIT
./busybox setsid ./busybox sh -c 'trap "" TERM HUP; while :; do sleep 1; done' &
echo "half a line: \c"
./busybox printf 'waiting'
while :; do ./busybox sleep 1; done
