package main

import (
	"fmt"
	"time"

	"github.com/gomodule/redigo/redis"
)

// Allow tells whether one more may pass now, and if not, when to ask again.
func Allow(pool *redis.Pool, key string, burst, count int, period time.Duration) (bool, time.Duration, error) {
	reply, err := redis.Int64s(do(pool, "LIMIT", key, burst, count, period.Milliseconds()))
	if err != nil {
		return false, 0, err
	}
	refused, retryMs := reply[0] == 1, reply[3]
	if !refused {
		return true, 0, nil
	}
	return false, time.Duration(retryMs) * time.Millisecond, nil
}

func limit(pool *redis.Pool) error {
	if _, err := do(pool, "DEL", "limit:ann"); err != nil {
		return err
	}
	passed, wait := 0, time.Duration(0)
	for i := 0; i < 8; i++ {
		// One more than the burst passes at once: the burst comes on top of the first.
		allowed, retry, err := Allow(pool, "limit:ann", 4, 2, time.Second)
		if err != nil {
			return err
		}
		if allowed {
			passed++
		} else {
			wait = retry
		}
	}
	fmt.Println("passed at once:", passed, "of 8")
	fmt.Println("told to wait:", wait > 0 && wait <= 500*time.Millisecond)
	time.Sleep(wait)
	allowed, _, err := Allow(pool, "limit:ann", 4, 2, time.Second)
	if err != nil {
		return err
	}
	fmt.Println("after that wait:", allowed)
	_, err = do(pool, "DEL", "limit:ann")
	return err
}
