/* SPDX-License-Identifier: ISC */
/*
 * suites.h - one suite of unit tests for each module that has any
 */
#ifndef UNIT_SUITES_H
#define UNIT_SUITES_H

#include <check.h>

/* tests/unit/test_NAME.c defines Suite *NAME_suite(void). */
#define SUITES(X)                                                              \
	X(alloc)                                                               \
	X(memory)                                                              \
	X(buf)                                                                 \
	X(io)                                                                  \
	X(clock)                                                               \
	X(futex)                                                               \
	X(privilege)                                                           \
	X(log)                                                                 \
	X(queue_id)                                                            \
	X(parameter)                                                           \
	X(submitter)                                                           \
	X(envelope)                                                            \
	X(address)                                                             \
	X(header)                                                              \
	X(text)                                                                \
	X(report)                                                              \
	X(state)                                                               \
	X(record)                                                              \
	X(record_rules)                                                        \
	X(lock)                                                                \
	X(spool)                                                               \
	X(spool_text)                                                          \
	X(spool_queue)                                                         \
	X(spool_model)                                                         \
	X(spool_damage)                                                        \
	X(spool_open)                                                          \
	X(spool_full)                                                          \
	X(spool_upkeep)                                                        \
	X(spool_repair)                                                        \
	X(spool_turns)                                                         \
	X(draft)                                                               \
	X(site)                                                                \
	X(refused_log)                                                         \
	X(rate)                                                                \
	X(slots)                                                               \
	X(wake)                                                                \
	X(keeper)                                                              \
	X(meter)                                                               \
	X(standing)                                                            \
	X(answer)                                                              \
	X(desk)                                                                \
	X(snapshot)                                                            \
	X(drain)                                                               \
	X(status_table)                                                        \
	X(exposition)                                                          \
	X(verdict)                                                             \
	X(watch)                                                               \
	X(create)                                                              \
	X(users)                                                               \
	X(conf)                                                                \
	X(domain)                                                              \
	X(digest)                                                              \
	X(staged)                                                              \
	X(share)                                                               \
	X(share_memory)                                                        \
	X(submit)                                                              \
	X(quantity)                                                            \
	X(filter)                                                              \
	X(listing)                                                             \
	X(sending)                                                             \
	X(entry)                                                               \
	X(options)                                                             \
	X(server)                                                              \
	X(input)                                                               \
	X(caller)                                                              \
	X(compose)                                                             \
	X(identity)                                                            \
	X(failure)                                                             \
	X(refusal)                                                             \
	X(visit)                                                               \
	X(relay)                                                               \
	X(channel)                                                             \
	X(smtp_reply)                                                          \
	X(smtp)                                                                \
	X(life)                                                                \
	X(retry)                                                               \
	X(years)                                                               \
	X(breaker)                                                             \
	X(attempt)                                                             \
	X(bounce)                                                              \
	X(caution)                                                             \
	X(crash)                                                               \
	X(syscalls)                                                            \
	X(landlock)                                                            \
	X(turn)                                                                \
	X(batch)                                                               \
	X(ledger)                                                              \
	X(lessons)                                                             \
	X(supply)                                                              \
	X(dispatch)                                                            \
	X(deadline)                                                            \
	X(delivery)                                                            \
	X(delivery_report)                                                     \
	X(keep)                                                                \
	X(guard)                                                               \
	X(words)                                                               \
	X(filesystem)                                                          \
	X(destroy)                                                             \
	X(jail)

#define DECLARE_SUITE(name) Suite *name##_suite(void);
SUITES(DECLARE_SUITE)
#undef DECLARE_SUITE

#endif
