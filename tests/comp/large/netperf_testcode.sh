echo "#### OS COMP TEST GROUP START netperf@ ####"
./netserver -D -L 127.0.0.1 -p 12865 &
server=$!
./busybox sleep 1
for test in UDP_STREAM TCP_STREAM UDP_RR TCP_RR TCP_CRR; do
	./netperf -H 127.0.0.1 -p 12865 -t $test -l 1 && ans=success || ans=fail
	echo "====== netperf $test end: $ans ======"
done
kill -9 $server
# As in the official script: a START where an END was meant.
echo "#### OS COMP TEST GROUP START unixbench@ ####"
