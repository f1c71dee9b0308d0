PS1='initramfs:\w\$ '
