// Package chaos proves that nothing is lost, nothing is done twice and everything goes on. It has only tests: the real daemon, built
// with the tag chaos so that its waits are short and its clock can be moved, runs in processes of its own between the two stand-ins,
// which live in the test's process. People edit both sides at random while faults from a menu strike; then the faults stop, and both
// sides are compared with each other and with a ledger of who wrote what.
//
//	make chaos SEED=1 ROUNDS=300             one daemon on SQLite
//	make chaos SEED=1 ROUNDS=100 REPLICAS=2  two on PostgreSQL
//
// A seed names a world; every ten rounds a new one begins with the next seed. A failing round prints the seed to run again, and keeps the logs.
// The same seed makes the same people do the same things under the same faults; what the scheduler makes of it is the machine's.
package chaos
