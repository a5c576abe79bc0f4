// Tests of picking ports.
package supervisor

import (
	"fmt"
	"net"
	"testing"
)

func TestPortsDifferAndAreFree(t *testing.T) {
	ports, err := freePorts(20)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports { // binding all at once also shows that they differ
		listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			t.Fatal(err)
		}
		defer listener.Close()
	}
}

func TestPortsStayReserved(t *testing.T) {
	ports, err := freePorts(4)
	if err != nil {
		t.Fatal(err)
	}
	for _, port := range ports { // nothing listens there yet, and no other supervisor may take it
		if listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.2:%d", port)); err == nil {
			listener.Close()
			t.Errorf("port %d is not reserved", port)
		}
	}
}
