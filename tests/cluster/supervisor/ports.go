// Free loopback ports that stay free for us while nothing listens on them.
package supervisor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"syscall"
)

// The range ports are taken from lies below the one the kernel gives to
// outgoing connections: a stopped API server's port is not handed to somebody
// else meanwhile, nor can a client that keeps dialling it meet itself.
const lowestPort, highestPort = 20000, 32000

// reservations are held as long as this process lives.
var reservations []net.Listener

// freePorts picks count different ports on 127.0.0.1 nothing listens on now and
// no other supervisor has picked: several clusters start at once, and between
// picking a port and listening on it pass seconds.
func freePorts(count int) ([]int, error) {
	lowest, highest := portRange()
	var ports []int
	for range 1000 {
		port := lowest + rand.IntN(highest-lowest)
		if !reserve(port) {
			continue
		}
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue
		}
		defer listener.Close() // held until all are picked, so that they differ
		ports = append(ports, port)
		if len(ports) == count {
			return ports, nil
		}
	}
	return nil, errors.New("found no free loopback ports")
}

// reserve takes the port's namesake on another loopback address, which nothing
// but supervisors use. Where there is no such address nothing is reserved.
func reserve(port int) bool {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", port))
	if err != nil {
		return errors.Is(err, syscall.EADDRNOTAVAIL)
	}
	reservations = append(reservations, listener)
	return true
}

// portRange shrinks the usual range where outgoing connections begin lower.
func portRange() (lowest, highest int) {
	lowest, highest = lowestPort, highestPort
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return lowest, highest
	}
	var first, last int
	if _, err := fmt.Sscan(string(text), &first, &last); err == nil && first > 12000 {
		highest = min(highest, first)
		lowest = min(lowest, highest-10000)
	}
	return lowest, highest
}
