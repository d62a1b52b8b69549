package main

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

// errCompacted: the server has forgotten some of the changes since: read the keys anew.
var errCompacted = errors.New("the history begins later")

// Change is what happened to a key; a key that is gone has no value.
type Change struct {
	Key, Event, Value string
	IsGone            bool
}

// Changes calls onCommit for each commit, in the order of revisions, until it fails for good. onStart is told
// the revision after which nothing is missing. A lost connection is made again, and the watch goes on where
// it was.
func Changes(pool *redis.Pool, pattern string, onStart func(int64) error, onCommit func(int64, []Change)) error {
	since := int64(-1)
	for {
		err := follow(pool, pattern, &since, onStart, onCommit)
		var refusal redis.Error
		if errors.Is(err, errCompacted) || errors.As(err, &refusal) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func follow(pool *redis.Pool, pattern string, since *int64, onStart func(int64) error, onCommit func(int64, []Change)) error {
	// It becomes a stream, of no use to others: it is dialled, not taken from the pool.
	conn, err := pool.Dial()
	if err != nil {
		return err
	}
	defer conn.Close()
	words := redis.Args{pattern, "VALUES"}
	if *since >= 0 {
		words = words.Add("SINCE", *since)
	}
	start, err := redis.Int64(conn.Do("WATCHREV", words...))
	if err != nil {
		if strings.HasPrefix(err.Error(), "COMPACTED") {
			return errCompacted
		}
		return err
	}
	if *since < 0 {
		*since = start
		if err := onStart(start); err != nil {
			return err
		}
	}
	for {
		// Without changes an empty commit comes every five seconds: a sign of life, and a later revision.
		push, err := redis.Values(redis.ReceiveWithTimeout(conn, 15*time.Second))
		if err != nil {
			return err
		}
		var kind string
		var revision int64
		var items []interface{}
		if _, err := redis.Scan(push, &kind, &revision, &items); err != nil {
			return err
		}
		if kind == "watchrev-lost" {
			return errCompacted
		}
		*since = revision
		if len(items) > 0 {
			commit, err := changesOf(items)
			if err != nil {
				return err
			}
			onCommit(revision, commit)
		}
	}
}

func changesOf(items []interface{}) ([]Change, error) {
	changes := make([]Change, 0, len(items))
	for _, item := range items {
		fields, err := redis.Values(item, nil)
		if err != nil {
			return nil, err
		}
		var db int
		change := Change{IsGone: fields[3] == nil}
		if _, err := redis.Scan(fields, &db, &change.Key, &change.Event, &change.Value); err != nil {
			return nil, err
		}
		changes = append(changes, change)
	}
	return changes, nil
}

// Mirror is a copy of all strings that fit a pattern.
type Mirror struct {
	mutex  sync.Mutex
	values map[string]string
}

// readAll takes what is there when the watch has begun; what changes meanwhile comes in the watch.
func readAll(pool *redis.Pool, pattern string) (map[string]string, error) {
	values := map[string]string{}
	for cursor := "0"; ; {
		reply, err := redis.Values(do(pool, "SCAN", cursor, "MATCH", pattern, "COUNT", 100))
		if err != nil {
			return nil, err
		}
		var keys []string
		if _, err := redis.Scan(reply, &cursor, &keys); err != nil {
			return nil, err
		}
		for _, key := range keys {
			value, err := redis.String(do(pool, "GET", key))
			if err == nil {
				values[key] = value
			} else if err != redis.ErrNil {
				return nil, err
			}
		}
		if cursor == "0" {
			return values, nil
		}
	}
}

func watch(pool *redis.Pool) error {
	const pattern = "order:*"
	if _, err := do(pool, "SET", "order:0", "there before"); err != nil {
		return err
	}
	mirror := &Mirror{values: map[string]string{}}
	started, failed := make(chan struct{}), make(chan error, 1)
	go func() {
		failed <- Changes(pool, pattern, func(int64) error {
			values, err := readAll(pool, pattern)
			mirror.mutex.Lock()
			mirror.values = values
			mirror.mutex.Unlock()
			close(started)
			return err
		}, func(_ int64, changes []Change) {
			mirror.mutex.Lock()
			defer mirror.mutex.Unlock()
			for _, change := range changes {
				if change.IsGone {
					delete(mirror.values, change.Key)
				} else {
					mirror.values[change.Key] = change.Value
				}
			}
		})
	}()
	select {
	case <-started:
	case err := <-failed:
		return err
	}

	for i := 1; i < 100; i++ {
		if _, err := do(pool, "SET", fmt.Sprintf("order:%d", i), i); err != nil {
			return err
		}
		if i == 50 {
			if err := cutWatches(pool); err != nil {
				return err
			}
		}
	}
	if _, err := do(pool, "DEL", "order:7", "order:8"); err != nil {
		return err
	}
	isSame := false
	for end := time.Now().Add(10 * time.Second); !isSame && time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		wanted, err := readAll(pool, pattern)
		if err != nil {
			return err
		}
		mirror.mutex.Lock()
		isSame = reflect.DeepEqual(wanted, mirror.values)
		mirror.mutex.Unlock()
	}
	fmt.Println("keys in the copy:", len(mirror.values))
	fmt.Println("the same:", isSame)
	for key := range mirror.values {
		if _, err := do(pool, "DEL", key); err != nil {
			return err
		}
	}
	return nil
}

// cutWatches closes the connections that watch, to show that nothing is lost.
func cutWatches(pool *redis.Pool) error {
	list, err := redis.String(do(pool, "CLIENT", "LIST"))
	if err != nil {
		return err
	}
	for _, line := range strings.Split(list, "\n") {
		if !strings.Contains(line, "cmd=watchrev") {
			continue
		}
		id := strings.TrimPrefix(strings.Fields(line)[0], "id=")
		if _, err := do(pool, "CLIENT", "KILL", "ID", id); err != nil {
			return err
		}
		fmt.Println("a connection is cut")
	}
	return nil
}
