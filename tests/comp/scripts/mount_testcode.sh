./busybox echo "#### OS COMP TEST GROUP START mount@ ####"
./busybox mkdir -p mnt
./busybox mount -t vfat /dev/vda2 ./mnt && ./busybox touch mnt/x &&
	./busybox umount ./mnt && ./busybox echo "mounted and unmounted"
./busybox echo "#### OS COMP TEST GROUP END mount@ ####"
