// How a container's process is tied to ours, where the kernel can.
package kubelet

import "syscall"

// The kernel kills a container's process when the kubelet ends in any way.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// terminalAttributes are those of a process with a terminal: a session of its own.
func terminalAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: true, Pdeathsig: syscall.SIGKILL}
}
