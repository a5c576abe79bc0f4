// The store by itself, as src/contestant/store.rs has it.

package main

import (
	"fmt"
	"runtime"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// How often each thing is done; its figure is the mean.
const storeTimes = 5

// The same pods as those of src/contestant/store.rs.
func storePods(count, version int) []any {
	pods := make([]any, count)
	for index := range pods {
		pods[index] = &corev1.Pod{
			TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Pod"},
			ObjectMeta: metav1.ObjectMeta{
				Name: fmt.Sprintf("pod-%d", index), Namespace: fmt.Sprintf("namespace-%d", index%50),
				UID: types.UID(fmt.Sprintf("uid-%d", index)), ResourceVersion: fmt.Sprintf("%d%07d", version, index),
			},
			Spec: corev1.PodSpec{NodeName: fmt.Sprintf("node-%d", index%300)},
		}
	}
	return pods
}

// What is read of each object of a list: how long its name is, and the last byte of its version.
func glance(name, version string) uint64 {
	return uint64(len(name)) + uint64(version[len(version)-1])
}

func contestStore(count int) error {
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{
		cache.NamespaceIndex: cache.MetaNamespaceIndexFunc, "node": byNode,
	})
	var lists [storeTimes][]any
	for time := range lists {
		lists[time] = storePods(count, time+1)
	}
	runtime.GC()
	mean := func(work func(time int) error) (float64, error) {
		since := now()
		for time := range storeTimes {
			if err := work(time); err != nil {
				return 0, err
			}
		}
		cpu, _ := since.read()
		return cpu * 1e6 / storeTimes, nil
	}
	replace, err := mean(func(time int) error { return store.Replace(lists[time], fmt.Sprint(time)) })
	if err != nil {
		return err
	}
	var listed []any
	seen := uint64(0)
	list, err := mean(func(int) error {
		listed = store.List()
		for _, object := range listed {
			pod := object.(*corev1.Pod)
			seen += glance(pod.Name, pod.ResourceVersion)
		}
		return nil
	})
	if err != nil {
		return err
	}
	found := 0
	index, err := mean(func(int) error {
		for node := range 300 {
			pods, err := store.ByIndex("node", fmt.Sprintf("node-%d", node))
			if err != nil {
				return err
			}
			found += len(pods)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if found != count*storeTimes {
		return fmt.Errorf("the index found %d objects", found)
	}
	proof := seen
	for _, object := range listed {
		pod := object.(*corev1.Pod)
		proof += fnv(pod.Name, pod.ResourceVersion, pod.Spec.NodeName)
	}
	say(map[string]any{
		"did": "all", "proof": proof,
		"values":   map[string]float64{"store_list": list, "store_by_index": index, "store_replace": replace},
		"settings": runtime.Version() + "; cache.NewIndexer; indexes by namespace and by node",
	})
	return nil
}
