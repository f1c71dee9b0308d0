echo "#### OS COMP TEST GROUP START iperf@ ####"
./iperf3 -s -p 5001 -D
./busybox sleep 1
for args in "-u -b 1000G" "" "-u -P 5 -b 1000G" "-P 5" "-u -R -b 1000G" "-R"; do
	./iperf3 -c 127.0.0.1 -p 5001 -t 2 -i 0 $args && ans=success || ans=fail
	echo "====== iperf $args end: $ans ======"
done
echo "#### OS COMP TEST GROUP END iperf@ ####"
