#!./busybox sh
./busybox echo "#### OS COMP TEST GROUP START lua@ ####"
run() {
	if ./lua -e "$2"; then
		echo "testcase lua $1 success"
	else
		echo "testcase lua $1 fail"
	fi
}
run date 'assert(os.date("%Y") + 0 > 2000)'
run file_io 'local f = assert(io.open("x.txt", "w")); f:write("text"); f:close()
	assert(io.open("x.txt"):read("a") == "text"); os.remove("x.txt")'
run sin30 'assert(math.abs(math.sin(math.pi / 6) - 0.5) < 1e-12)'
run sort 'local t = { 3, 1, 2 }; table.sort(t); assert(t[1] == 1)'
./busybox echo "#### OS COMP TEST GROUP END lua@ ####"
