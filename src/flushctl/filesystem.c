/* SPDX-License-Identifier: ISC */
#include <stddef.h>

#include "base/compiler.h"
#include "flushctl/filesystem.h"

/* <linux/magic.h> lacks those of file systems outside of Linux. */
static const struct {
	uint32_t type;
	const char *name;
} unfit[] = {
    {0x6969, "NFS"},
    {0xff534d42, "CIFS"},
    {0xfe534d42, "SMB"},
    {0x517b, "SMB"},
    {0x65735546, "FUSE"},
    {0x01021997, "9p"},
    {0x00c36400, "Ceph"},
    {0x5346414f, "AFS"},
    {0x6b414653, "AFS"},
    {0x73757245, "Coda"},
    {0x564c, "NCP"},
    {0x0bd00bd0, "Lustre"},
    {0x01161970, "GFS2"},
    {0x7461636f, "OCFS2"},
    {0x19830326, "BeeGFS"},
    {0x47504653, "GPFS"},
    {0xaad7aaea, "PanFS"},
    {0x786f4256, "a shared folder of VirtualBox"},
    {0xbacbacbc, "a shared folder of VMware"},
};

const char *
filesystem_unfit(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(unfit); i++)
		if (unfit[i].type == type)
			return unfit[i].name;
	return NULL;
}
