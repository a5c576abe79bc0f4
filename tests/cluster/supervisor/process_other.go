//go:build !linux

// What the kernel is told about a child where a parent's death cannot be
// passed on: there, children of a supervisor killed outright stay behind.
package supervisor

import "syscall"

func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
