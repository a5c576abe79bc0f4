// Package corpus makes sparse random objects of every type, in both formats, and reads back what others write.
package corpus

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"time"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apiextensionsv1beta1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1beta1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// filler fills values by chance: most of an object stays as Go leaves it, and what is filled is often zero or empty,
// for that is where formats differ.
type filler struct {
	chance *rand.Rand
	// density is how likely a field is filled at all.
	density float64
}

func (f filler) often(likelihood float64) bool { return f.chance.Float64() < likelihood }

func (f filler) pick(choices ...string) string { return choices[f.chance.IntN(len(choices))] }

func (f filler) text() string {
	switch f.chance.IntN(8) {
	case 0:
		return ""
	case 1:
		return f.pick("a\"b\\c\n\t\u0001", "<&>", "grüße 世界 🚀", "\u2028", "null", "7", "true")
	}
	return fmt.Sprintf("text-%d", f.chance.IntN(1000))
}

func (f filler) json() []byte {
	return []byte(f.pick(`{"b":1,"a":[true,null,"x"]}`, `{}`, `"text"`, `7`, `[1.5,-2]`, `{"nested":{"n":12345678901234567890}}`))
}

// special fills a value whose JSON is not that of its Go fields; false when it is an ordinary one.
func (f filler) special(value reflect.Value, depth int) bool {
	switch target := value.Addr().Interface().(type) {
	case *metav1.TypeMeta:
	case *metav1.Time:
		if f.often(0.8) {
			target.Time = time.Unix(f.chance.Int64N(4e9)-1e9, 0).UTC()
		}
	case *metav1.MicroTime:
		if f.often(0.8) {
			target.Time = time.Unix(f.chance.Int64N(4e9)-1e9, f.chance.Int64N(1e6)*1000).UTC()
		}
	case *metav1.Duration:
		scale := []int64{1, 1e3, 1e6, 1e9, 6e10, 36e11}[f.chance.IntN(6)]
		target.Duration = time.Duration((f.chance.Int64N(2000) - 500) * scale)
	case *resource.Quantity:
		if f.often(0.8) {
			*target = resource.MustParse(f.pick("0", "1", "100m", "1500m", "2Gi", "1e3", "-5", "0.5", "12k", "1Ki"))
		}
	case *intstr.IntOrString:
		if f.often(0.5) {
			*target = intstr.FromInt32(f.chance.Int32N(100) - 10)
		} else {
			*target = intstr.FromString(f.pick("", "http", "50%"))
		}
	case *runtime.RawExtension:
		if f.often(0.7) {
			target.Raw = f.json()
		}
	case *metav1.FieldsV1:
		target.Raw = []byte(f.pick(`{"f:metadata":{"f:labels":{"f:a":{}}}}`, `{}`))
	case *apiextensionsv1.JSON:
		target.Raw = f.json()
	case *apiextensionsv1beta1.JSON:
		target.Raw = f.json()
	case *apiextensionsv1.JSONSchemaPropsOrBool, *apiextensionsv1beta1.JSONSchemaPropsOrBool:
		value.FieldByName("Allows").SetBool(f.often(0.5))
		if depth > 0 && f.often(0.4) {
			value.FieldByName("Allows").SetBool(true)
			f.pointer(value.FieldByName("Schema"), depth)
		}
	case *apiextensionsv1.JSONSchemaPropsOrArray, *apiextensionsv1beta1.JSONSchemaPropsOrArray:
		f.either(value, "JSONSchemas", depth)
	case *apiextensionsv1.JSONSchemaPropsOrStringArray, *apiextensionsv1beta1.JSONSchemaPropsOrStringArray:
		f.either(value, "Property", depth)
	default:
		return false
	}
	return true
}

// either fills a schema or the list beside it, never both.
func (f filler) either(value reflect.Value, list string, depth int) {
	if depth > 0 && f.often(0.5) {
		f.pointer(value.FieldByName("Schema"), depth)
	} else if depth > 0 || list == "Property" {
		f.fill(value.FieldByName(list), depth)
	}
}

func (f filler) pointer(value reflect.Value, depth int) {
	value.Set(reflect.New(value.Type().Elem()))
	f.fill(value.Elem(), depth)
}

func (f filler) fill(value reflect.Value, depth int) {
	if value.Kind() != reflect.Pointer && f.special(value, depth) {
		return
	}
	switch value.Kind() {
	case reflect.Struct:
		if depth <= 0 {
			return
		}
		for i := range value.NumField() {
			if f.often(f.density) && value.Type().Field(i).Tag.Get("json") != "-" {
				f.fill(value.Field(i), depth-1)
			}
		}
	case reflect.Pointer:
		f.pointer(value, depth)
	case reflect.Slice:
		if value.Type().Elem().Kind() == reflect.Uint8 {
			value.SetBytes([]byte(f.text()))
			return
		}
		value.Set(reflect.MakeSlice(value.Type(), 0, 3))
		for range f.chance.IntN(3) {
			element := reflect.New(value.Type().Elem()).Elem()
			f.fill(element, depth)
			value.Set(reflect.Append(value, element))
		}
	case reflect.Map:
		value.Set(reflect.MakeMap(value.Type()))
		for range f.chance.IntN(4) {
			key, element := reflect.New(value.Type().Key()).Elem(), reflect.New(value.Type().Elem()).Elem()
			key.SetString(f.text())
			f.fill(element, depth)
			value.SetMapIndex(key, element)
		}
	case reflect.String:
		value.SetString(f.text())
	case reflect.Bool:
		value.SetBool(f.often(0.5))
	case reflect.Int32:
		value.SetInt(int64([]int32{0, 1, -1, 80, 2147483647, -2147483648}[f.chance.IntN(6)]))
	case reflect.Int64:
		value.SetInt([]int64{0, 1, -1, 300, 9223372036854775807, -9223372036854775808}[f.chance.IntN(6)])
	case reflect.Float64:
		value.SetFloat([]float64{0, 1, -2, 0.5, 1e21, -1.25e-7, 1e15}[f.chance.IntN(7)])
	default:
		panic(fmt.Sprintf("values of %v cannot be filled", value.Type()))
	}
}
