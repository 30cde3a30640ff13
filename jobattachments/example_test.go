package jobattachments_test

import (
	"fmt"

	"github.com/farmhand-render/farmhand/jobattachments"
)

func ExampleManifest_Encode() {
	m := &jobattachments.Manifest{Files: []jobattachments.File{
		{Path: "textures/wood.exr", Hash: jobattachments.Hash([]byte("oak")), Size: 3, MTime: 1690000000000000},
		{Path: "scene.blend", Hash: jobattachments.Hash([]byte("scene")), Size: 5, MTime: 1690000000000000},
	}}
	encoded := m.Encode()
	fmt.Println(string(encoded))
	decoded, err := jobattachments.DecodeManifest(encoded)
	fmt.Println(decoded.Files[0].Path, decoded.TotalSize(), err)
	// Output:
	// {"hashAlg":"xxh128","manifestVersion":"2023-03-03","paths":[{"hash":"f4be6cb06fb38395025134193c221feb","mtime":1690000000000000,"path":"scene.blend","size":5},{"hash":"93210738f06309d9ac083b8913467075","mtime":1690000000000000,"path":"textures/wood.exr","size":3}],"totalSize":8}
	// scene.blend 8 <nil>
}
