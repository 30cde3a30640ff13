package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/deadline/client"
)

// Programs take the configuration from config.LoadDefaultConfig; this one makes a small service and a configuration for it.
func Example() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("nextToken") {
		case "":
			fmt.Fprint(w, `{"farms":[{"farmId":"farm-1","displayName":"north"}],"nextToken":"more"}`)
		case "more":
			fmt.Fprint(w, `{"farms":[{"farmId":"farm-2","displayName":"south"}]}`)
		}
	}))
	defer service.Close()
	cfg := aws.Config{Region: "us-west-2", BaseEndpoint: aws.String(service.URL), Credentials: credentials("AKIDEXAMPLE")}

	c := client.New(cfg)
	for farm, err := range client.NewListFarmsPaginator(c, &deadline.ListFarmsInput{}).All(context.Background()) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(farm.FarmId, farm.DisplayName)
	}
	// Output:
	// farm-1 north
	// farm-2 south
}

// Errors of the API are found by their type.
func ExampleOperationError() {
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", "ResourceNotFoundException")
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"no such farm","resourceId":"farm-1","resourceType":"farm"}`)
	}))
	defer service.Close()
	cfg := aws.Config{Region: "us-west-2", BaseEndpoint: aws.String(service.URL), Credentials: credentials("AKIDEXAMPLE")}

	_, err := client.New(cfg).GetFarm(context.Background(), &deadline.GetFarmInput{FarmId: "farm-1"})
	if missing, ok := errors.AsType[*deadline.ResourceNotFoundException](err); ok {
		fmt.Println("there is no", missing.ResourceType, missing.ResourceId)
	}
	// Output: there is no farm farm-1
}
