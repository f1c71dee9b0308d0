#pragma once
/* The ioctls of chattr(1) and lsattr(1), ioctl_iflags(2). */

#define FS_IOC_GETFLAGS 0x80086601u
#define FS_IOC_SETFLAGS 0x40086602u
#define FS_IOC_GETVERSION 0x80087601u
