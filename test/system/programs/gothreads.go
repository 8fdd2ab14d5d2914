// SPDX-License-Identifier: Apache-2.0

// Go's scheduler at GOMAXPROCS=4: channels between goroutines that are tied to threads, tight loops
// that only a signal can preempt, signals to the process, timers, the collector, blocked threads.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// pingPong sends numbers to and fro between two goroutines, each on a thread of its own if locked.
func pingPong(rounds int, locked bool) int {
	there, back := make(chan int), make(chan int)
	go func() {
		if locked {
			runtime.LockOSThread()
		}
		for n := range there {
			back <- n + 1
		}
		close(back)
	}()
	if locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	n := 0
	for i := 0; i < rounds; i++ {
		there <- n
		n = <-back
	}
	close(there)
	<-back
	return n
}

// pipePingPong does it through two pipes, with blocking reads in system calls.
func pipePingPong(rounds int) int {
	var a, b [2]int
	syscall.Pipe(a[:])
	syscall.Pipe(b[:])
	go func() {
		buffer := make([]byte, 1)
		for {
			n, _ := syscall.Read(a[0], buffer)
			if n != 1 {
				syscall.Close(b[1])
				return
			}
			buffer[0]++
			syscall.Write(b[1], buffer)
		}
	}()
	buffer := make([]byte, 1)
	for i := 0; i < rounds; i++ {
		syscall.Write(a[1], buffer)
		syscall.Read(b[0], buffer)
	}
	syscall.Close(a[1])
	return int(buffer[0])
}

var sink uint64

// tightLoops spins in loops without a call, more than there are processors; the collector, which
// has to stop the world, and a timer must come through.
func tightLoops() string {
	var stop uint32
	var group sync.WaitGroup
	for i := 0; i < 8; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			x := uint64(1)
			for atomic.LoadUint32(&stop) == 0 {
				for j := 0; j < 1000000; j++ {
					x = x*6364136223846793005 + 1
				}
			}
			atomic.AddUint64(&sink, x)
		}()
	}
	endless := make(chan bool)
	go func() {
		x := uint64(1)
		for i := uint64(0); i != 1<<63; i++ { // never ends: it is left spinning
			x = x*6364136223846793005 + i
		}
		atomic.AddUint64(&sink, x)
		endless <- true
	}()
	for i := 0; i < 5; i++ {
		time.Sleep(5 * time.Millisecond)
		runtime.GC()
	}
	atomic.StoreUint32(&stop, 1)
	group.Wait()
	return "stopped the world 5 times"
}

func signals() int {
	got := make(chan os.Signal, 200)
	signal.Notify(got, syscall.SIGUSR1, syscall.SIGWINCH)
	count := 0
	for i := 0; i < 100; i++ {
		number := syscall.SIGUSR1
		if i%2 == 1 {
			number = syscall.SIGWINCH
		}
		syscall.Kill(os.Getpid(), number)
		if <-got == number {
			count++
		}
	}
	signal.Stop(got)
	return count
}

func timers() (int, bool) {
	var fired int64
	var group sync.WaitGroup
	for i := 0; i < 5000; i++ {
		group.Add(1)
		time.AfterFunc(time.Duration(i%50)*time.Millisecond, func() {
			atomic.AddInt64(&fired, 1)
			group.Done()
		})
	}
	group.Wait()
	ticker := time.NewTicker(time.Millisecond)
	for i := 0; i < 20; i++ {
		<-ticker.C
	}
	ticker.Stop()
	limited, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	select {
	case <-limited.Done():
	case <-time.After(time.Minute):
	}
	return int(fired), limited.Err() == context.DeadlineExceeded
}

func contended() (int, int) {
	var mutex sync.Mutex
	var readers sync.RWMutex
	condition := sync.NewCond(&mutex)
	count, waiting := 0, 0
	table := map[int]int{}
	var group sync.WaitGroup
	for i := 0; i < 100; i++ {
		group.Add(1)
		go func(n int) {
			defer group.Done()
			for j := 0; j < 200; j++ {
				mutex.Lock()
				count++
				mutex.Unlock()
				if j%10 == 0 {
					readers.Lock()
					table[j]++
					readers.Unlock()
				}
				readers.RLock()
				_ = table[j]
				readers.RUnlock()
			}
			mutex.Lock()
			waiting++
			condition.Broadcast()
			for waiting < 100 {
				condition.Wait()
			}
			mutex.Unlock()
		}(i)
	}
	group.Wait()
	return count, table[190]
}

// manyThreads blocks 100 goroutines in system calls, so that each needs a thread.
func manyThreads() int {
	var pipe [2]int
	syscall.Pipe(pipe[:])
	var group sync.WaitGroup
	var count int64
	for i := 0; i < 100; i++ {
		group.Add(1)
		go func() {
			defer group.Done()
			buffer := make([]byte, 1)
			n, _ := syscall.Read(pipe[0], buffer)
			atomic.AddInt64(&count, int64(n))
		}()
	}
	time.Sleep(10 * time.Millisecond)
	syscall.Write(pipe[1], make([]byte, 100))
	group.Wait()
	return int(count)
}

func main() {
	runtime.GOMAXPROCS(4)
	fmt.Println("channels", pingPong(20000, false), pingPong(5000, true))
	fmt.Println("pipes", pipePingPong(5000))
	fmt.Println("loops", tightLoops())
	fmt.Println("signals", signals())
	fmt.Println(timers())
	fmt.Println(contended())
	fmt.Println("threads", manyThreads())
}
