// Package kinds names every type of the API that goes over the wire as protobuf.
package kinds

import (
	"reflect"
	"sort"

	admissionv1 "k8s.io/api/admission/v1"
	admissionv1beta1 "k8s.io/api/admission/v1beta1"
	apidiscoveryv2 "k8s.io/api/apidiscovery/v2"
	apidiscoveryv2beta1 "k8s.io/api/apidiscovery/v2beta1"
	imagepolicyv1alpha1 "k8s.io/api/imagepolicy/v1alpha1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metav1beta1 "k8s.io/apimachinery/pkg/apis/meta/v1beta1"
	"k8s.io/apimachinery/pkg/runtime"
	clientscheme "k8s.io/client-go/kubernetes/scheme"
	apiregistrationv1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1"
	apiregistrationv1beta1 "k8s.io/kube-aggregator/pkg/apis/apiregistration/v1beta1"
)

// Kind is one kind of one group and version.
type Kind struct {
	APIVersion string
	Name       string
	Type       reflect.Type
}

// Message is what every type with a protobuf form implements.
type Message interface {
	Marshal() ([]byte, error)
	Unmarshal([]byte) error
}

// All returns every kind with a protobuf form, sorted by apiVersion and name. A kind that every group registers
// (DeleteOptions, WatchEvent, ...) is there once, under meta.k8s.io/v1.
func All() []Kind {
	scheme := runtime.NewScheme()
	builders := []func(*runtime.Scheme) error{
		clientscheme.AddToScheme, apiextensionsv1.AddToScheme, apiextensionsv1beta1.AddToScheme,
		apiregistrationv1.AddToScheme, apiregistrationv1beta1.AddToScheme,
		admissionv1.AddToScheme, admissionv1beta1.AddToScheme, imagepolicyv1alpha1.AddToScheme,
		apidiscoveryv2.AddToScheme, apidiscoveryv2beta1.AddToScheme,
		metav1.AddMetaToScheme, metav1beta1.AddMetaToScheme,
	}
	for _, add := range builders {
		if err := add(scheme); err != nil {
			panic(err)
		}
	}
	metav1.AddToGroupVersion(scheme, metav1.SchemeGroupVersion)

	common := map[string]reflect.Type{}
	for name, kind := range scheme.KnownTypes(metav1.SchemeGroupVersion) {
		common[name] = kind
	}
	var all []Kind
	for gvk, kind := range scheme.AllKnownTypes() {
		if gvk.Version == runtime.APIVersionInternal || !IsMessage(kind) {
			continue
		}
		if gvk.GroupVersion() != metav1.SchemeGroupVersion && common[gvk.Kind] == kind {
			continue
		}
		all = append(all, Kind{gvk.GroupVersion().String(), gvk.Kind, kind})
	}
	sort.Slice(all, func(i, j int) bool {
		if all[i].APIVersion != all[j].APIVersion {
			return all[i].APIVersion < all[j].APIVersion
		}
		return all[i].Name < all[j].Name
	})
	return all
}

// IsMessage tells whether values of the type have a protobuf form.
func IsMessage(kind reflect.Type) bool {
	_, ok := reflect.New(kind).Interface().(Message)
	return ok
}
