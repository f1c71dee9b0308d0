./busybox echo "#### OS COMP TEST GROUP START iozone@ ####"
./iozone -a -r 1k -s 4m
for tests in "-i 0 -i 1" "-i 0 -i 2" "-i 0 -i 3" "-i 0 -i 5" "-i 6 -i 7" \
	"-i 9 -i 10" "-i 11 -i 12"; do
	./iozone -t 4 $tests -r 1k -s 1m
done
./busybox echo "#### OS COMP TEST GROUP END iozone@ ####"
