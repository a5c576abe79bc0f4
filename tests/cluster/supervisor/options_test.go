// Tests of the flags of `up`.
package supervisor

import (
	"reflect"
	"strings"
	"testing"
)

func TestOptionsDefaults(t *testing.T) {
	got, err := parseOptions(nil, &strings.Builder{})
	if err != nil || !reflect.DeepEqual(got, options{watchList: true}) {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestListsRepeatAndSplit(t *testing.T) {
	got, err := parseOptions([]string{
		"--no-watch-cache", "configmaps", "--no-watch-cache=secrets,deployments.apps",
		"--watch-list=false", "--kubelet", "--feature-gates", "A=true,B=false", "--apiserver-flag=--x=1,2",
	}, &strings.Builder{})
	want := options{
		noWatchCache:   []string{"configmaps", "secrets", "deployments.apps"},
		featureGates:   []string{"A=true", "B=false"},
		apiserverFlags: []string{"--x=1,2"},
		kubelet:        true,
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("got %+v, %v", got, err)
	}
}

func TestBadFlagsAreExplained(t *testing.T) {
	for _, arguments := range [][]string{{"stray"}, {"--unknown"}, {"--no-watch-cache=a,,b"}, {"--watch-list=perhaps"}} {
		var errors strings.Builder
		if _, err := parseOptions(arguments, &errors); err == nil || errors.Len() == 0 {
			t.Errorf("%q: error %v, message %q", arguments, err, errors.String())
		}
	}
}
