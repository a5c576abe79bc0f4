// The Pods of this node: their containers started when a Pod appears, ended
// when it goes, and their state written to its status.
package kubelet

import (
	"context"
	"encoding/json"
	"os"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

type pods struct {
	client    kubernetes.Interface
	node      string
	directory string

	lock sync.Mutex
	held map[string]*pod // by namespace/name
}

type pod struct {
	object     *corev1.Pod
	containers map[string]*container
	reporting  sync.Mutex // so that the last report is of the last state
}

func newPods(client kubernetes.Interface, node, directory string) *pods {
	return &pods{client: client, node: node, directory: directory, held: map[string]*pod{}}
}

// watch follows the Pods bound to this node, in the background.
func (p *pods) watch(ctx context.Context) {
	bound := cache.NewListWatchFromClient(p.client.CoreV1().RESTClient(), "pods", "",
		fields.OneTermEqualSelector("spec.nodeName", p.node))
	_, controller := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: bound,
		ObjectType:    &corev1.Pod{},
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc: func(object any) { p.start(ctx, object.(*corev1.Pod)) },
			UpdateFunc: func(_, object any) {
				if object.(*corev1.Pod).DeletionTimestamp != nil {
					p.terminate(ctx, object.(*corev1.Pod))
				}
			},
			DeleteFunc: func(object any) {
				if gone, ok := object.(cache.DeletedFinalStateUnknown); ok {
					object = gone.Obj
				}
				p.stop(object.(*corev1.Pod))
			},
		},
	})
	go controller.RunWithContext(ctx)
}

func (p *pods) start(ctx context.Context, object *corev1.Pod) {
	p.lock.Lock()
	defer p.lock.Unlock()
	started := &pod{object: object, containers: map[string]*container{}}
	started.reporting.Lock() // the first container may report before the last is here
	defer started.reporting.Unlock()
	for _, spec := range object.Spec.Containers {
		directory := containerDirectory(p.directory, object, spec.Name)
		if err := os.MkdirAll(directory, 0o700); err != nil {
			klog.ErrorS(err, "a container's directory")
			continue
		}
		restarts := object.Spec.RestartPolicy == corev1.RestartPolicyAlways
		report := func() { p.report(ctx, started) }
		started.containers[spec.Name] = startContainer(spec, directory, restarts, report)
	}
	p.held[object.Namespace+"/"+object.Name] = started
	go p.report(ctx, started)
}

// terminate ends the containers of a Pod that is being deleted and lets it go.
func (p *pods) terminate(ctx context.Context, object *corev1.Pod) {
	p.stop(object)
	now := int64(0)
	err := p.client.CoreV1().Pods(object.Namespace).Delete(ctx, object.Name,
		metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: metav1.NewUIDPreconditions(string(object.UID))})
	if err != nil {
		klog.ErrorS(err, "letting a Pod go", "pod", klog.KObj(object))
	}
}

func (p *pods) stop(object *corev1.Pod) {
	p.lock.Lock()
	defer p.lock.Unlock()
	key := object.Namespace + "/" + object.Name
	stopped, ok := p.held[key]
	if !ok || stopped.object.UID != object.UID {
		return
	}
	delete(p.held, key)
	for _, container := range stopped.containers {
		container.stop()
	}
}

func (p *pods) close() {
	p.lock.Lock()
	defer p.lock.Unlock()
	for _, pod := range p.held {
		for _, container := range pod.containers {
			container.stop()
		}
	}
}

// find gives a container, or nil; with an empty name any of the Pod's.
func (p *pods) find(namespace, name, wanted string) *container {
	p.lock.Lock()
	defer p.lock.Unlock()
	pod, ok := p.held[namespace+"/"+name]
	if !ok {
		return nil
	}
	if wanted != "" {
		return pod.containers[wanted]
	}
	for _, container := range pod.containers {
		return container
	}
	return nil
}

// report writes the Pod's status: what kubectl and wait look at.
func (p *pods) report(ctx context.Context, of *pod) {
	of.reporting.Lock()
	defer of.reporting.Unlock()
	status := corev1.PodStatus{PodIP: "127.0.0.1", HostIP: "127.0.0.1"}
	for _, spec := range of.object.Spec.Containers {
		container, ok := of.containers[spec.Name]
		if !ok {
			continue
		}
		status.ContainerStatuses = append(status.ContainerStatuses, container.status(spec))
	}
	status.Phase = phase(status.ContainerStatuses)
	ready := corev1.ConditionFalse
	if status.Phase == corev1.PodRunning {
		ready = corev1.ConditionTrue
	}
	status.Conditions = []corev1.PodCondition{{
		Type: corev1.PodReady, Status: ready, LastTransitionTime: metav1.NewTime(time.Now()),
	}}
	patch, err := json.Marshal(map[string]any{"status": status})
	if err == nil {
		_, err = p.client.CoreV1().Pods(of.object.Namespace).Patch(ctx, of.object.Name,
			types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	}
	if err != nil && ctx.Err() == nil {
		klog.ErrorS(err, "a Pod's status", "pod", klog.KObj(of.object))
	}
}

// phase sums up the containers: one that runs tells most, then one that waits,
// then one that failed.
func phase(containers []corev1.ContainerStatus) corev1.PodPhase {
	sum := corev1.PodSucceeded
	for _, one := range containers {
		switch ended := one.State.Terminated; {
		case one.State.Running != nil:
			return corev1.PodRunning
		case one.State.Waiting != nil:
			sum = corev1.PodPending
		case ended != nil && ended.ExitCode != 0 && sum == corev1.PodSucceeded:
			sum = corev1.PodFailed
		}
	}
	return sum
}
