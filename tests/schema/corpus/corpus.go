// The corpus itself: each object with what Go reads back of it, and the check of what others write.

package corpus

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"

	"portolan/tests/schema/kinds"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer/cbor/direct"
	kjson "sigs.k8s.io/json"
)

// Record is one object as Go writes it, and as Go reads it back.
type Record struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	// JSON is the object; ProtobufOfJSON what Go writes once it has read that.
	JSON           json.RawMessage `json:"json"`
	ProtobufOfJSON []byte          `json:"protobufOfJson"`
	// Protobuf is the object; JSONOfProtobuf what Go writes once it has read that.
	Protobuf       []byte          `json:"protobuf"`
	JSONOfProtobuf json.RawMessage `json:"jsonOfProtobuf"`
	// CBOR is the object; CBOROfJSON the JSON as maps and lists, as the dynamic client writes it.
	CBOR       []byte `json:"cbor"`
	CBOROfJSON []byte `json:"cborOfJson"`
	// Lost is what Go itself loses on the way from Protobuf to JSONOfProtobuf and back; "" for nothing.
	Lost string `json:"lost"`
}

// Written is one object as the client under test writes it.
type Written struct {
	APIVersion string          `json:"apiVersion"`
	Kind       string          `json:"kind"`
	JSON       json.RawMessage `json:"json"`
	Protobuf   []byte          `json:"protobuf"`
	CBOR       []byte          `json:"cbor"`
}

// Write writes `each` objects of every kind, one a line. The same seed gives the same objects.
func Write(out io.Writer, seed uint64, each int) error {
	writer := bufio.NewWriter(out)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	chance := rand.New(rand.NewPCG(seed, 0))
	for _, kind := range kinds.All() {
		for index := range each {
			fill := filler{chance, []float64{0.15, 0.4, 0.7}[index%3]}
			object := reflect.New(kind.Type)
			fill.fill(object.Elem(), 7)
			record, err := recordOf(kind, object.Interface())
			if err != nil {
				return fmt.Errorf("%s %s: %w", kind.APIVersion, kind.Name, err)
			}
			if err := encoder.Encode(record); err != nil {
				return err
			}
		}
	}
	return writer.Flush()
}

func recordOf(kind kinds.Kind, object any) (*Record, error) {
	record := &Record{APIVersion: kind.APIVersion, Kind: kind.Name}
	var err error
	if record.JSON, err = writeJSON(kind, object); err != nil {
		return nil, err
	}
	if record.Protobuf, err = writeProtobuf(kind, object); err != nil {
		return nil, err
	}
	if record.ProtobufOfJSON, err = protobufOf(kind, record.JSON); err != nil {
		return nil, err
	}
	if record.JSONOfProtobuf, err = jsonOf(kind, record.Protobuf); err != nil {
		return nil, err
	}
	if record.CBOR, err = writeCBOR(object); err != nil {
		return nil, err
	}
	var plain any
	if err := kjson.UnmarshalCaseSensitivePreserveInts(record.JSON, &plain); err != nil {
		return nil, err
	}
	if record.CBOROfJSON, err = writeCBOR(plain); err != nil {
		return nil, err
	}
	again, err := protobufOf(kind, record.JSONOfProtobuf)
	if err != nil {
		return nil, err
	}
	if bytes.Equal(again, record.Protobuf) {
		return record, nil
	}
	record.Lost = "something unknown"
	for _, loss := range losses {
		drop(reflect.ValueOf(object).Elem(), loss.is)
		without, err := writeProtobuf(kind, object)
		if err != nil {
			return nil, err
		}
		if bytes.Equal(again, without) {
			record.Lost = loss.name
			break
		}
	}
	return record, nil
}

// losses are what JSON cannot tell from nothing, in Go too; each is looked for after those before it are taken away.
var losses = []struct {
	name string
	is   func(value reflect.Value, tag string) bool
}{
	{"an empty []byte under omitempty", func(value reflect.Value, tag string) bool {
		isBytes := value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8
		return isBytes && value.Len() == 0 && strings.HasSuffix(tag, ",omitempty")
	}},
	{"a pointer to what is null in JSON: a zero time, an empty choice of schemas", func(value reflect.Value, _ string) bool {
		if value.Kind() != reflect.Pointer || value.IsNil() {
			return false
		}
		text, err := json.Marshal(value.Interface())
		return err == nil && string(text) == "null"
	}},
}

// drop sets every field to zero that is told to be a loss.
func drop(value reflect.Value, is func(reflect.Value, string) bool) {
	switch value.Kind() {
	case reflect.Pointer:
		if !value.IsNil() {
			drop(value.Elem(), is)
		}
	case reflect.Struct:
		for i := range value.NumField() {
			field := value.Field(i)
			if !field.CanSet() {
				continue
			}
			if is(field, value.Type().Field(i).Tag.Get("json")) {
				field.SetZero()
			} else {
				drop(field, is)
			}
		}
	case reflect.Slice:
		for i := range value.Len() {
			drop(value.Index(i), is)
		}
	case reflect.Map:
		for _, key := range value.MapKeys() {
			element := reflect.New(value.Type().Elem()).Elem()
			element.Set(value.MapIndex(key))
			drop(element, is)
			value.SetMapIndex(key, element)
		}
	}
}

// Verify reads what the client wrote, one object a line, and counts those that Go reads and writes just the same.
func Verify(in io.Reader) (equal, all int, err error) {
	types := map[string]kinds.Kind{}
	for _, kind := range kinds.All() {
		types[kind.APIVersion+" "+kind.Name] = kind
	}
	for decoder := json.NewDecoder(in); ; all++ {
		var written Written
		if err := decoder.Decode(&written); err == io.EOF {
			return equal, all, nil
		} else if err != nil {
			return equal, all, err
		}
		kind := types[written.APIVersion+" "+written.Kind]
		if err := verify(kind, written); err != nil {
			fmt.Printf("%s %s: %v\n", written.APIVersion, written.Kind, err)
			continue
		}
		equal++
	}
}

func verify(kind kinds.Kind, written Written) error {
	object, err := readProtobuf(kind, written.Protobuf)
	if err != nil {
		return fmt.Errorf("its protobuf is not read: %w", err)
	}
	again, err := writeProtobuf(kind, object)
	if err != nil || !bytes.Equal(again, written.Protobuf) {
		return fmt.Errorf("its protobuf is not what is written again (%v)", err)
	}
	fromJSON, err := protobufOf(kind, written.JSON)
	if err != nil {
		return fmt.Errorf("its JSON is not read: %w", err)
	}
	if !bytes.Equal(fromJSON, written.Protobuf) {
		return fmt.Errorf("its JSON is another object than its protobuf")
	}
	return verifyCBOR(kind, written)
}

// verifyCBOR compares what is read from CBOR with what is read from JSON, each as JSON again: JSON that an object holds
// is kept word for word from JSON and loses its order and its spelling in CBOR.
func verifyCBOR(kind kinds.Kind, written Written) error {
	fromCBOR, fromJSON := reflect.New(kind.Type).Interface(), reflect.New(kind.Type).Interface()
	if err := readCBOR(written.CBOR, fromCBOR); err != nil {
		return fmt.Errorf("its CBOR is not read: %w", err)
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(written.JSON, fromJSON); err != nil {
		return err
	}
	left, err := plainOf(kind, fromCBOR)
	if err != nil {
		return err
	}
	right, err := plainOf(kind, fromJSON)
	if err != nil {
		return err
	}
	if !reflect.DeepEqual(left, right) {
		return fmt.Errorf("its CBOR is another object than its JSON")
	}
	return nil
}

func plainOf(kind kinds.Kind, object any) (plain any, err error) {
	text, err := writeJSON(kind, object)
	if err != nil {
		return nil, err
	}
	return plain, kjson.UnmarshalCaseSensitivePreserveInts(text, &plain)
}

func protobufOf(kind kinds.Kind, text []byte) ([]byte, error) {
	object := reflect.New(kind.Type).Interface()
	if err := kjson.UnmarshalCaseSensitivePreserveInts(text, object); err != nil {
		return nil, err
	}
	return writeProtobuf(kind, object)
}

func jsonOf(kind kinds.Kind, document []byte) ([]byte, error) {
	object, err := readProtobuf(kind, document)
	if err != nil {
		return nil, err
	}
	return writeJSON(kind, object)
}

func writeJSON(kind kinds.Kind, object any) ([]byte, error) {
	group, err := schema.ParseGroupVersion(kind.APIVersion)
	if err != nil {
		return nil, err
	}
	if typed, ok := object.(runtime.Object); ok {
		typed.GetObjectKind().SetGroupVersionKind(group.WithKind(kind.Name))
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(object); err != nil {
		return nil, err
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

// selfDescribed is the tag that every document in CBOR begins with.
var selfDescribed = []byte{0xd9, 0xd9, 0xf7}

func writeCBOR(object any) ([]byte, error) {
	document, err := direct.Marshal(object)
	return append(bytes.Clone(selfDescribed), document...), err
}

func readCBOR(document []byte, object any) error {
	if !bytes.HasPrefix(document, selfDescribed) {
		return fmt.Errorf("it does not begin as CBOR does")
	}
	return direct.Unmarshal(document, object)
}

var magic = []byte("k8s\x00")

func writeProtobuf(kind kinds.Kind, object any) ([]byte, error) {
	raw, err := object.(kinds.Message).Marshal()
	if err != nil {
		return nil, err
	}
	unknown := runtime.Unknown{TypeMeta: runtime.TypeMeta{APIVersion: kind.APIVersion, Kind: kind.Name}, Raw: raw}
	document, err := unknown.Marshal()
	return append(bytes.Clone(magic), document...), err
}

func readProtobuf(kind kinds.Kind, document []byte) (any, error) {
	var unknown runtime.Unknown
	if err := unknown.Unmarshal(bytes.TrimPrefix(document, magic)); err != nil {
		return nil, err
	}
	object := reflect.New(kind.Type).Interface()
	return object, object.(kinds.Message).Unmarshal(unknown.Raw)
}
