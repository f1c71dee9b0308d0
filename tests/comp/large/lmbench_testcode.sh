./busybox echo "#### OS COMP TEST GROUP START lmbench@ ####"
all() {
	lmbench/"$@"
}
mkdir -p /var/tmp
touch /var/tmp/lmbench
echo "latency measurements"
all lat_syscall -P 1 null
all lat_syscall -P 1 read
all lat_syscall -P 1 write
all lat_syscall -P 1 stat /var/tmp/lmbench
all lat_syscall -P 1 fstat /var/tmp/lmbench
all lat_syscall -P 1 open /var/tmp/lmbench
all lat_select -n 100 -P 1 file
all lat_sig -P 1 install
all lat_sig -P 1 catch
all lat_sig -P 1 prot lmbench/lat_sig
all lat_pipe -P 1
printf 'exit 0\n' >/tmp/hello
chmod 755 /tmp/hello
all lat_proc -P 1 fork
all lat_proc -P 1 exec
all lat_proc -P 1 shell
all lmdd label="File /var/tmp/XXX write bandwidth:" of=/var/tmp/XXX move=1m \
	fsync=1 print=3
all lat_pagefault -P 1 /var/tmp/XXX
all lat_mmap -P 1 512k /var/tmp/XXX
all lat_fs /var/tmp
all bw_pipe -P 1
all bw_file_rd -P 1 512k io_only /var/tmp/XXX
all bw_file_rd -P 1 512k open2close /var/tmp/XXX
all bw_mmap_rd -P 1 512k mmap_only /var/tmp/XXX
all bw_mmap_rd -P 1 512k open2close /var/tmp/XXX
all lat_ctx -P 1 -s 32 2 4 8 16 24 32 64 96
./busybox echo "#### OS COMP TEST GROUP END lmbench@ ####"
