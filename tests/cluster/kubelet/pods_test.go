// The phase of a Pod.
package kubelet

import (
	"testing"

	corev1 "k8s.io/api/core/v1"
)

func TestThePhaseSumsUpTheContainers(t *testing.T) {
	running := corev1.ContainerState{Running: &corev1.ContainerStateRunning{}}
	waiting := corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{}}
	ended := func(code int32) corev1.ContainerState {
		return corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: code}}
	}
	for _, one := range []struct {
		states []corev1.ContainerState
		want   corev1.PodPhase
	}{
		{[]corev1.ContainerState{ended(0), ended(0)}, corev1.PodSucceeded},
		{[]corev1.ContainerState{ended(1), ended(0)}, corev1.PodFailed},
		{[]corev1.ContainerState{ended(1), waiting, ended(1)}, corev1.PodPending},
		{[]corev1.ContainerState{ended(1), running, waiting}, corev1.PodRunning},
	} {
		var statuses []corev1.ContainerStatus
		for _, state := range one.states {
			statuses = append(statuses, corev1.ContainerStatus{State: state})
		}
		if got := phase(statuses); got != one.want {
			t.Errorf("%v: got %s, want %s", one.states, got, one.want)
		}
	}
}
