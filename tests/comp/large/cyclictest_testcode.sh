echo "#### OS COMP TEST GROUP START cyclictest@ ####"
run() {
	echo "====== cyclictest $1 begin ======"
	./cyclictest $2 && ans=success || ans=fail
	echo "====== cyclictest $1 end: $ans ======"
}
run NO_STRESS_P1 "-a -i 1000 -t1 -p99 -D 1s -q"
run NO_STRESS_P8 "-a -i 1000 -t8 -p99 -D 1s -q"
echo "====== start hackbench ======"
./hackbench -l 100000000 &
pid=$!
./busybox sleep 1
run STRESS_P1 "-a -i 1000 -t1 -p99 -D 1s -q"
run STRESS_P8 "-a -i 1000 -t8 -p99 -D 1s -q"
kill -2 $pid && ans=success || ans=fail
./busybox sleep 1
echo "====== kill hackbench: $ans ======"
echo "#### OS COMP TEST GROUP END cyclictest@ ####"
