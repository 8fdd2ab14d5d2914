// SPDX-License-Identifier: Apache-2.0

// A thousand goroutines over channels, mutexes, timers, files, maps, garbage and a recovered
// nil dereference, in a static binary that makes its system calls itself.
package main

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

func sum() int {
	results := make(chan int)
	var group sync.WaitGroup
	for i := 0; i < 1000; i++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			time.Sleep(time.Duration(n%10) * time.Millisecond)
			results <- n * n
		}(i)
	}
	go func() {
		group.Wait()
		close(results)
	}()
	total := 0
	for r := range results {
		total += r
	}
	return total
}

func relay() int {
	first := make(chan int)
	in := first
	for i := 0; i < 1000; i++ {
		out := make(chan int)
		go func(in, out chan int) { out <- 1 + <-in }(in, out)
		in = out
	}
	first <- 0
	return <-in
}

func nilDereference() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("recovered: %v", r)
		}
	}()
	var p *struct{ x [10]int }
	return fmt.Errorf("value %d", p.x[3])
}

func spinUntilPreempted() bool {
	done := make(chan bool)
	go func() {
		time.Sleep(20 * time.Millisecond)
		done <- true
	}()
	deadline := time.Now().Add(5 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case ok := <-done:
			return ok
		default:
		}
	}
	return false
}

func files() (string, error) {
	if err := os.MkdirAll("tree/a/b", 0o755); err != nil {
		return "", err
	}
	for i := 0; i < 20; i++ {
		name := fmt.Sprintf("tree/a/file%d", i)
		if err := os.WriteFile(name, []byte(strings.Repeat("line\n", i)), 0o644); err != nil {
			return "", err
		}
	}
	var names []string
	err := filepath.WalkDir("tree", func(path string, entry fs.DirEntry, err error) error {
		names = append(names, path)
		return err
	})
	sort.Strings(names)
	f, err2 := os.Open("tree/a/file7")
	if err2 != nil {
		return "", err2
	}
	defer f.Close()
	lines := 0
	for scanner := bufio.NewScanner(f); scanner.Scan(); {
		lines++
	}
	return fmt.Sprintf("%d entries, %d lines, %s", len(names), lines, names[3]), err
}

func main() {
	fmt.Println("sum", sum(), "relay", relay())
	fmt.Println(nilDereference())
	fmt.Println("progress", spinUntilPreempted())
	text, err := files()
	fmt.Println(text, err)
	_, err = os.Open("absent")
	fmt.Println(err, errors.Is(err, fs.ErrNotExist))
	hash := sha256.New()
	garbage := map[int][]byte{}
	for i := 0; i < 20000; i++ {
		garbage[i%1000] = make([]byte, 4096)
		hash.Write(garbage[i%1000][:64])
	}
	runtime.GC()
	fmt.Printf("%x %d\n", hash.Sum(nil)[:8], len(garbage))
	if len(os.Args) > 1 && os.Args[1] == "panic" {
		panic("as asked")
	}
	os.Exit(len(os.Args) - 1)
}
