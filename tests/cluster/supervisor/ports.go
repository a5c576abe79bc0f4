// Free loopback ports that stay free for us while nothing listens on them.
package supervisor

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
)

// The range ports are taken from lies below the one the kernel gives to
// outgoing connections: a stopped API server's port is not handed to somebody
// else meanwhile, nor can a client that keeps dialling it meet itself.
const lowestPort, highestPort = 20000, 32000

// freePorts picks count different ports on 127.0.0.1 nothing listens on now.
func freePorts(count int) ([]int, error) {
	lowest, highest := portRange()
	var ports []int
	for range 1000 {
		port := lowest + rand.IntN(highest-lowest)
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
