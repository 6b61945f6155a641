/* SPDX-License-Identifier: ISC */
/*
 * nosync.c - a negative control: commits that are not flushed
 *
 *   Linked with --wrap=mdb_env_open. Exit 0 then says nothing about a power
 *   cut, and an experiment that cuts the power must notice.
 */
#include <lmdb.h>

int __real_mdb_env_open(
    MDB_env *env, const char *path, unsigned int flags, mdb_mode_t mode);
int __wrap_mdb_env_open(
    MDB_env *env, const char *path, unsigned int flags, mdb_mode_t mode);

int
__wrap_mdb_env_open(
    MDB_env *env, const char *path, unsigned int flags, mdb_mode_t mode)
{
	return __real_mdb_env_open(env, path, flags | MDB_NOSYNC, mode);
}
