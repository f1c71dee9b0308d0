#!/busybox sh
./busybox echo "#### OS COMP TEST GROUP START busybox@ ####"
for cmd in "ls" "which ls" "uname" "df" "free" "ps" "du -s ." "dmesg" "uptime" \
	"cat /etc/passwd" "touch test.txt" "rm test.txt" "hwclock" "kill 10"; do
	if ./busybox $cmd >/tmp/out 2>&1; then
		echo "testcase busybox $cmd success"
	else
		echo "testcase busybox $cmd fail"
	fi
done
./busybox echo "#### OS COMP TEST GROUP END busybox@ ####"
