package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

var (
	errHeld = errors.New("the lock is held")
	// errLost: the lease was over when the store was asked to write.
	errLost = errors.New("the lock was lost")
)

// Lock is a lease: it ends by itself, so nobody holds it for ever who has crashed.
type Lock struct {
	pool  *redis.Pool
	name  string
	owner string
	lease time.Duration
	// Token only grows. The store checks it with each write.
	Token int64
}

// Acquire takes a lock, and waits for it; 0: nobody waits.
func Acquire(pool *redis.Pool, name string, lease, wait time.Duration) (*Lock, error) {
	random := make([]byte, 16)
	if _, err := rand.Read(random); err != nil {
		return nil, err
	}
	lock := &Lock{pool: pool, name: name, owner: hex.EncodeToString(random), lease: lease}
	args := redis.Args{name, lock.owner, "PX", lease.Milliseconds()}
	if wait > 0 {
		args = args.Add("WAIT", wait.Milliseconds())
	}
	reply, err := redis.Int64s(do(pool, "LOCK.ACQUIRE", args...))
	if err == redis.ErrNil {
		return nil, errHeld
	}
	if err != nil {
		return nil, err
	}
	lock.Token = reply[0]
	return lock, nil
}

// Renew begins the lease anew; errLost when it was over.
func (lock *Lock) Renew() error {
	done, err := redis.Bool(do(lock.pool, "LOCK.RENEW", lock.name, lock.owner, lock.Token, "PX", lock.lease.Milliseconds()))
	if err == nil && !done {
		return errLost
	}
	return err
}

// Release gives it back. A lease that is over needs no giving back.
func (lock *Lock) Release() error {
	_, err := do(lock.pool, "LOCK.RELEASE", lock.name, lock.owner, lock.Token)
	return err
}

// Set writes if the lock is still held. Looking first, and writing then, would leave a gap.
func (lock *Lock) Set(key string, value interface{}) error {
	_, err := do(lock.pool, "SET", key, value, "FENCE", lock.name, lock.Token)
	return lostOr(err)
}

// Do is the same for any other command.
func (lock *Lock) Do(command string, args ...interface{}) (interface{}, error) {
	words := redis.Args{lock.name, lock.Token, command}.Add(args...)
	reply, err := do(lock.pool, "FENCED", words...)
	return reply, lostOr(err)
}

func lostOr(err error) error {
	if err != nil && strings.HasPrefix(err.Error(), "FENCED") {
		return errLost
	}
	return err
}

// countTogether reads, adds one and writes, in several goroutines at once: nothing is lost.
func countTogether(pool *redis.Pool) (int, error) {
	if _, err := do(pool, "SET", "visits", 0); err != nil {
		return 0, err
	}
	var group sync.WaitGroup
	failures := make(chan error, 4)
	work := func() error {
		for round := 0; round < 10; round++ {
			lock, err := Acquire(pool, "lock:visits", 10*time.Second, 5*time.Second)
			if err != nil {
				return err
			}
			visits, err := redis.Int(do(pool, "GET", "visits"))
			if err == nil {
				err = lock.Set("visits", visits+1)
			}
			if err != nil {
				return err
			}
			if err := lock.Release(); err != nil {
				return err
			}
		}
		return nil
	}
	for worker := 0; worker < 4; worker++ {
		group.Add(1)
		go func() {
			defer group.Done()
			failures <- work()
		}()
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return 0, err
		}
	}
	return redis.Int(do(pool, "GET", "visits"))
}

// comeTooLate: who was away for longer than its lease must not undo what the next one wrote.
func comeTooLate(pool *redis.Pool) error {
	late, err := Acquire(pool, "lock:invoice", 50*time.Millisecond, 0)
	if err != nil {
		return err
	}
	next, err := Acquire(pool, "lock:invoice", 10*time.Second, 5*time.Second)
	if err != nil {
		return err
	}
	defer next.Release()
	if err := next.Set("invoice", "paid"); err != nil {
		return err
	}
	fmt.Println("late writer refused:", errors.Is(late.Set("invoice", "open"), errLost))
	fmt.Println("tokens grow:", next.Token > late.Token)
	invoice, err := redis.String(do(pool, "GET", "invoice"))
	fmt.Println("invoice:", invoice)
	return err
}

func locks(pool *redis.Pool) error {
	visits, err := countTogether(pool)
	if err != nil {
		return err
	}
	fmt.Println("visits:", visits)
	if err := comeTooLate(pool); err != nil {
		return err
	}
	lock, err := Acquire(pool, "lock:report", 10*time.Second, 0)
	if err != nil {
		return err
	}
	entries, err := redis.Int(lock.Do("RPUSH", "report", "one", "two"))
	if err != nil {
		return err
	}
	fmt.Println("entries:", entries)
	fmt.Println("renewed:", lock.Renew() == nil)
	_, err = Acquire(pool, "lock:report", time.Second, 0)
	fmt.Println("another:", err)
	if err := lock.Release(); err != nil {
		return err
	}
	_, err = do(pool, "DEL", "visits", "invoice", "report")
	return err
}
