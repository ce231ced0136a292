/* Locks: a lock is 0, or 1 more than the process that holds it. */
#define lock(l)    atomic { l == 0 -> l = _pid + 1 }
#define unlock(l)  atomic { assert(l == _pid + 1); l = 0 }
#define holds(l)   (l == _pid + 1)
