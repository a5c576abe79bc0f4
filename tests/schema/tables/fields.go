// Package tables turns the Go types' own json and protobuf tags into the field tables that the client embeds.
package tables

import (
	"fmt"
	"reflect"
	"sort"
	"strconv"
	"strings"

	"portolan/tests/schema/kinds"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The kinds of a field's values, numbered as the reader of the tables numbers them.
const (
	kindBool = iota
	kindInt32
	kindInt64
	kindDouble
	kindString
	kindBytes
	kindMessage
	kindWrapper
	kindTime
	kindMicroTime
	kindDuration
	kindQuantity
	kindIntOrString
	kindRaw
	kindSchemaOrBool
	kindSchemaOrArray
	kindSchemaOrStrings
)

// What else is to be known of a field.
const (
	flagRepeated = 1 << iota
	flagMap
	flagPointer
	flagOmitEmpty
	flagOmitZero
	flagInline
)

// special are the types whose JSON is not that of a struct.
var special = map[reflect.Type]int{
	reflect.TypeFor[metav1.Time]():          kindTime,
	reflect.TypeFor[metav1.MicroTime]():     kindMicroTime,
	reflect.TypeFor[metav1.Duration]():      kindDuration,
	reflect.TypeFor[resource.Quantity]():    kindQuantity,
	reflect.TypeFor[intstr.IntOrString]():   kindIntOrString,
	reflect.TypeFor[runtime.RawExtension](): kindRaw,
	reflect.TypeFor[metav1.FieldsV1]():      kindRaw,

	reflect.TypeFor[apiextensionsv1.JSON]():                         kindRaw,
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrBool]():        kindSchemaOrBool,
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrArray]():       kindSchemaOrArray,
	reflect.TypeFor[apiextensionsv1.JSONSchemaPropsOrStringArray](): kindSchemaOrStrings,

	reflect.TypeFor[apiextensionsv1beta1.JSON]():                         kindRaw,
	reflect.TypeFor[apiextensionsv1beta1.JSONSchemaPropsOrBool]():        kindSchemaOrBool,
	reflect.TypeFor[apiextensionsv1beta1.JSONSchemaPropsOrArray]():       kindSchemaOrArray,
	reflect.TypeFor[apiextensionsv1beta1.JSONSchemaPropsOrStringArray](): kindSchemaOrStrings,
}

// field is one field of a message; target is the type its values' fields are found under.
type field struct {
	name   string
	number int
	kind   int
	flags  int
	target reflect.Type
}

// schema collects the fields of every message that the kinds reach.
type schema struct {
	messages map[reflect.Type][]field
}

// add collects a type's fields and those of the types it reaches.
func (s *schema) add(kind reflect.Type) {
	if _, known := s.messages[kind]; known {
		return
	}
	s.messages[kind] = nil
	var fields []field
	if kind.Kind() == reflect.Slice {
		// A wrapper: on the wire a message with one repeated field, in JSON the array itself.
		code, target := s.element("items", kind.Elem())
		fields = []field{{name: "items", number: 1, kind: code, flags: flagRepeated, target: target}}
	} else {
		fields = s.members(kind)
	}
	sort.Slice(fields, func(i, j int) bool { return fields[i].number < fields[j].number })
	for i, one := range fields {
		if one.number < 1 || one.number > 63 || (i > 0 && fields[i-1].number == one.number) {
			panic(fmt.Sprintf("%v: field number %d", kind, one.number))
		}
	}
	s.messages[kind] = fields
}

func (s *schema) members(kind reflect.Type) []field {
	var fields []field
	for i := range kind.NumField() {
		member := kind.Field(i)
		tag := strings.Split(member.Tag.Get("protobuf"), ",")
		if len(tag) < 2 {
			// TypeMeta travels in the envelope; anything else in JSON would be lost.
			if member.Type != reflect.TypeFor[metav1.TypeMeta]() && member.Tag.Get("json") != "-" {
				panic(fmt.Sprintf("%v.%s has no protobuf tag", kind, member.Name))
			}
			continue
		}
		number, err := strconv.Atoi(tag[1])
		if err != nil {
			panic(err)
		}
		name, options, _ := strings.Cut(member.Tag.Get("json"), ",")
		if _, ok := special[kind]; ok {
			name = strings.TrimPrefix(tag[len(tag)-1], "name=")
		}
		if name == "-" || (name == "" && !member.Anonymous) {
			panic(fmt.Sprintf("%v.%s has no JSON name", kind, member.Name))
		}
		fields = append(fields, s.describe(name, number, member.Type, options))
	}
	return fields
}

func (s *schema) describe(name string, number int, kind reflect.Type, options string) field {
	described := field{name: name, number: number}
	for _, option := range strings.Split(options, ",") {
		switch option {
		case "omitempty":
			described.flags |= flagOmitEmpty
		case "omitzero":
			described.flags |= flagOmitZero
		case "", "inline":
		default:
			panic(fmt.Sprintf("%s: the json option %q is unknown", name, option))
		}
	}
	if name == "" {
		described.flags |= flagInline
	}
	isWrapper := kind.Kind() == reflect.Slice && kinds.IsMessage(kind)
	switch {
	case kind.Kind() == reflect.Pointer:
		described.flags |= flagPointer
		kind = kind.Elem()
	case kind.Kind() == reflect.Map:
		if kind.Key().Kind() != reflect.String {
			panic(fmt.Sprintf("%s: a map whose keys are no strings", name))
		}
		described.flags |= flagMap
		kind = kind.Elem()
	case isBytes(kind) || isWrapper:
	case kind.Kind() == reflect.Slice:
		described.flags |= flagRepeated
		kind = kind.Elem()
	}
	described.kind, described.target = s.element(name, kind)
	if described.flags&flagOmitZero != 0 && described.kind != kindTime {
		panic(fmt.Sprintf("%s: omitzero on something other than a Time", name))
	}
	return described
}

func isBytes(kind reflect.Type) bool {
	return kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Uint8
}

// element tells the kind of single values of a type, and the type their fields are found under.
func (s *schema) element(name string, kind reflect.Type) (int, reflect.Type) {
	if code, ok := special[kind]; ok {
		if code < kindSchemaOrBool {
			return code, nil
		}
		s.add(kind)
		return code, kind
	}
	switch {
	case isBytes(kind):
		return kindBytes, nil
	case kind.Kind() == reflect.Slice && kinds.IsMessage(kind):
		s.add(kind)
		return kindWrapper, kind
	case kind.Kind() == reflect.Struct && kinds.IsMessage(kind):
		s.add(kind)
		return kindMessage, kind
	}
	switch kind.Kind() {
	case reflect.Bool:
		return kindBool, nil
	case reflect.Int32:
		return kindInt32, nil
	case reflect.Int64:
		return kindInt64, nil
	case reflect.Float64:
		return kindDouble, nil
	case reflect.String:
		return kindString, nil
	}
	panic(fmt.Sprintf("%s: values of %v have no known form", name, kind))
}
