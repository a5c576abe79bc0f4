// Here an informer of client-go plays a scenario, as it is told.

package main

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// options say what kind of informer a scenario wants.
type options struct {
	Server string `json:"server"`
	// A bearer token and a CA for a real server.
	Token string `json:"token"`
	CA    string `json:"ca"`
	// typed, dynamic or metadata.
	Form               string `json:"form"`
	Namespace          string `json:"namespace"`
	LabelSelector      string `json:"label_selector"`
	FieldSelector      string `json:"field_selector"`
	WatchList          bool   `json:"watch_list"`
	ResyncMilliseconds int64  `json:"resync_ms"`
	Transform          bool   `json:"transform"`
}

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// player is one informer and its handlers.
type player struct {
	tell          func(string)
	informer      cache.SharedIndexInformer
	registrations map[string]cache.ResourceEventHandlerRegistration
	stop          context.CancelFunc
	ended         chan struct{}
}

func newPlayer(options options, tell func(string)) (*player, error) {
	source, example, err := listerWatcher(options)
	if err != nil {
		return nil, err
	}
	resync := time.Duration(options.ResyncMilliseconds) * time.Millisecond
	byLabels := func(object any) ([]string, error) {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return nil, err
		}
		values := []string{}
		for _, value := range accessor.GetLabels() {
			values = append(values, value)
		}
		return values, nil
	}
	indexers := cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc, "label": byLabels}
	informer := cache.NewSharedIndexInformer(source, example, resync, indexers)
	if options.Transform {
		if err := informer.SetTransform(countTransforms); err != nil {
			return nil, err
		}
	}
	return &player{
		tell:          tell,
		informer:      informer,
		registrations: map[string]cache.ResourceEventHandlerRegistration{},
		ended:         make(chan struct{}),
	}, nil
}

func (p *player) do(next command) error {
	switch next.Do {
	case "run":
		ctx, stop := context.WithCancel(context.Background())
		p.stop = stop
		go func() {
			p.informer.RunWithContext(ctx)
			close(p.ended)
		}()
	case "stop":
		p.stop()
		<-p.ended
		p.tell("stopped")
	case "handler":
		return p.addHandler(next.Name, next.ResyncMilliseconds)
	case "remove":
		return p.informer.RemoveEventHandler(p.registrations[next.Name])
	case "synced":
		checker := p.registrations[next.Name].HasSyncedChecker()
		go func() {
			<-checker.Done()
			p.tell("synced " + next.Name)
		}()
	case "check":
		p.tell("check " + next.Name + " " + p.state())
	default:
		return errors.New("no such command")
	}
	return nil
}

func (p *player) addHandler(name string, resyncMilliseconds int64) error {
	handler := cache.ResourceEventHandlerDetailedFuncs{
		AddFunc: func(object any, isInInitialList bool) {
			initial := ""
			if isInInitialList {
				initial = " initial"
			}
			p.tell(fmt.Sprintf("%s add %s%s", name, describe(object), initial))
		},
		UpdateFunc: func(before, after any) {
			p.tell(fmt.Sprintf("%s update %s from %s", name, describe(after), version(before)))
		},
		DeleteFunc: func(object any) {
			unknown := ""
			if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object, unknown = tombstone.Obj, " final state unknown"
			}
			p.tell(fmt.Sprintf("%s delete %s%s", name, describe(object), unknown))
		},
	}
	handlerOptions := cache.HandlerOptions{}
	if resyncMilliseconds >= 0 {
		resync := time.Duration(resyncMilliseconds) * time.Millisecond
		handlerOptions.ResyncPeriod = &resync
	}
	registration, err := p.informer.AddEventHandlerWithOptions(handler, handlerOptions)
	if err != nil {
		// A stopped informer takes no handlers.
		p.tell(name + " refused")
		return nil
	}
	p.registrations[name] = registration
	return nil
}

// state is what the store holds, how far it has come, and what its index finds.
func (p *player) state() string {
	objects := []string{}
	for _, object := range p.informer.GetStore().List() {
		objects = append(objects, describe(object))
	}
	sort.Strings(objects)
	found, err := p.informer.GetIndexer().IndexKeys("label", "x")
	if err != nil {
		found = []string{err.Error()}
	}
	sort.Strings(found)
	return fmt.Sprintf("holds [%s] at %s, x is [%s]", strings.Join(objects, " "),
		p.informer.GetIndexer().LastStoreSyncResourceVersion(), strings.Join(found, " "))
}

func listerWatcher(options options) (cache.ListerWatcher, runtime.Object, error) {
	config := &rest.Config{Host: options.Server, QPS: -1, BearerToken: options.Token}
	config.TLSClientConfig.CAFile = options.CA
	tweak := func(list *metav1.ListOptions) {
		list.LabelSelector, list.FieldSelector = options.LabelSelector, options.FieldSelector
	}
	source := &cache.ListWatch{}
	var example runtime.Object
	switch options.Form {
	case "typed":
		client, err := coreClient(config)
		if err != nil {
			return nil, nil, err
		}
		example = &corev1.ConfigMap{}
		source.ListWithContextFunc = func(ctx context.Context, list metav1.ListOptions) (runtime.Object, error) {
			tweak(&list)
			found := &corev1.ConfigMapList{}
			request := client.Get().Namespace(options.Namespace).Resource(configMaps.Resource)
			return found, request.VersionedParams(&list, metav1.ParameterCodec).Do(ctx).Into(found)
		}
		source.WatchFuncWithContext = func(ctx context.Context, list metav1.ListOptions) (watch.Interface, error) {
			tweak(&list)
			list.Watch = true
			request := client.Get().Namespace(options.Namespace).Resource(configMaps.Resource)
			return request.VersionedParams(&list, metav1.ParameterCodec).Watch(ctx)
		}
	case "dynamic":
		client, err := dynamic.NewForConfig(config)
		if err != nil {
			return nil, nil, err
		}
		example = &unstructured.Unstructured{}
		api := client.Resource(configMaps).Namespace(options.Namespace)
		source.ListWithContextFunc = func(ctx context.Context, list metav1.ListOptions) (runtime.Object, error) {
			tweak(&list)
			return api.List(ctx, list)
		}
		source.WatchFuncWithContext = func(ctx context.Context, list metav1.ListOptions) (watch.Interface, error) {
			tweak(&list)
			return api.Watch(ctx, list)
		}
	case "metadata":
		client, err := metadata.NewForConfig(config)
		if err != nil {
			return nil, nil, err
		}
		example = &metav1.PartialObjectMetadata{}
		api := client.Resource(configMaps).Namespace(options.Namespace)
		source.ListWithContextFunc = func(ctx context.Context, list metav1.ListOptions) (runtime.Object, error) {
			tweak(&list)
			return api.List(ctx, list)
		}
		source.WatchFuncWithContext = func(ctx context.Context, list metav1.ListOptions) (watch.Interface, error) {
			tweak(&list)
			return api.Watch(ctx, list)
		}
	default:
		return nil, nil, fmt.Errorf("no form %q", options.Form)
	}
	if options.WatchList {
		return source, example, nil
	}
	return withoutWatchList{source}, example, nil
}

// coreClient is what the generated clients stand on, for one group: all of them take minutes to compile.
func coreClient(config *rest.Config) (*rest.RESTClient, error) {
	scheme := runtime.NewScheme()
	if err := corev1.AddToScheme(scheme); err != nil {
		return nil, err
	}
	config.APIPath, config.GroupVersion = "/api", &corev1.SchemeGroupVersion
	config.NegotiatedSerializer = serializer.NewCodecFactory(scheme).WithoutConversion()
	return rest.RESTClientFor(config)
}

// withoutWatchList keeps a reflector from trying a watch-list, as client-go's own fake clients do.
type withoutWatchList struct{ *cache.ListWatch }

func (withoutWatchList) IsWatchListSemanticsUnSupported() bool { return true }

// countTransforms notes in an annotation how often it saw the object.
func countTransforms(object any) (any, error) {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return object, nil
	}
	annotations := accessor.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	count, _ := strconv.Atoi(annotations["transformed"])
	annotations["transformed"] = strconv.Itoa(count + 1)
	accessor.SetAnnotations(annotations)
	return object, nil
}

// describe is key and version, and how often it was transformed.
func describe(object any) string {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return err.Error()
	}
	key := accessor.GetName()
	if namespace := accessor.GetNamespace(); namespace != "" {
		key = namespace + "/" + key
	}
	text := key + "@" + accessor.GetResourceVersion()
	if count, ok := accessor.GetAnnotations()["transformed"]; ok {
		text += " transformed " + count
	}
	return text
}

func version(object any) string {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return err.Error()
	}
	return accessor.GetResourceVersion()
}
