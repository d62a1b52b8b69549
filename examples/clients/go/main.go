// Locks with fencing tokens, a rate limit and a watch with revisions, with redigo.
//
//	go run . locks|limit|watch [127.0.0.1:6379]
package main

import (
	"fmt"
	"os"

	"github.com/gomodule/redigo/redis"
)

func main() {
	programs := map[string]func(*redis.Pool) error{"locks": locks, "limit": limit, "watch": watch}
	if len(os.Args) < 2 || programs[os.Args[1]] == nil {
		fmt.Fprintln(os.Stderr, "usage: locks|limit|watch [host:port]")
		os.Exit(2)
	}
	address := "127.0.0.1:6379"
	if len(os.Args) > 2 {
		address = os.Args[2]
	}
	pool := &redis.Pool{
		MaxIdle: 8,
		Dial:    func() (redis.Conn, error) { return redis.Dial("tcp", address) },
	}
	defer pool.Close()
	if err := programs[os.Args[1]](pool); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// do runs one command on a connection of the pool.
func do(pool *redis.Pool, command string, args ...interface{}) (interface{}, error) {
	conn := pool.Get()
	defer conn.Close()
	return conn.Do(command, args...)
}
