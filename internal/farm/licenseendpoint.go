package farm

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/farmhand-render/farmhand/deadline"
	"github.com/farmhand-render/farmhand/internal/scheduler"
	"github.com/farmhand-render/farmhand/internal/store"
	"github.com/farmhand-render/farmhand/internal/store/row"
)

// Licensing is what an installation says of licenses. Nobody but AWS can rent out usage-based licenses, so here a license endpoint is a
// record of the site's own license server, and the products are those that the site says it serves.
type Licensing struct {
	DNSName  string                           // of the site's license server; "" when there is none
	Products []deadline.MeteredProductSummary // the catalogue, in any order
}

// Check refuses products that the API could not show.
func (l *Licensing) Check() error {
	seen := map[string]bool{}
	for i := range l.Products {
		p := &l.Products[i]
		request := deadline.PutMeteredProductInput{LicenseEndpointId: prefixLicenseEndpoint + strings.Repeat("0", 32), ProductId: p.ProductId}
		switch err := request.Validate(); {
		case err != nil:
			return fmt.Errorf("productId %q: %w", p.ProductId, err)
		case seen[p.ProductId]:
			return fmt.Errorf("productId %q is there twice", p.ProductId)
		case p.Family == "" || len(p.Family) > maxProductText || p.Vendor == "" || len(p.Vendor) > maxProductText:
			return fmt.Errorf("%s: family and vendor must have 1 to %d characters", p.ProductId, maxProductText)
		case p.Port < minProductPort || p.Port > maxProductPort:
			return fmt.Errorf("%s: port must be %d to %d", p.ProductId, minProductPort, maxProductPort)
		}
		seen[p.ProductId] = true
	}
	return nil
}

// What a product of the catalogue may have in the API.
const (
	maxProductText                 = 64
	minProductPort, maxProductPort = 1024, 65535
)

// licenseEndpointDocument is what the store keeps of a license endpoint. The network members are kept for the caller.
type licenseEndpointDocument struct {
	VPCID            string   `json:"vpcId"`
	SubnetIDs        []string `json:"subnetIds"`
	SecurityGroupIDs []string `json:"securityGroupIds"`
	Products         []string `json:"products,omitempty"` // ids of metered products, sorted
}

// licenseEndpoint reads a license endpoint; ResourceNotFoundException when it does not exist.
func (s *Service) licenseEndpoint(ctx context.Context, id string) (*resource[licenseEndpointDocument], error) {
	return load[licenseEndpointDocument](ctx, s, row.KindLicenseEndpoint, typeLicenseEndpoint, "", id)
}

// licenseStatus is the status of every license endpoint: there is nothing to wait for.
func (s *Service) licenseStatus() (deadline.LicenseEndpointStatus, string) {
	if s.licensing.DNSName == "" {
		return deadline.LicenseEndpointStatusReady, "No license server is configured: the endpoint is a record only."
	}
	return deadline.LicenseEndpointStatusReady, "The endpoint stands for the license server of this installation."
}

// CreateLicenseEndpoint makes a license endpoint, READY at once. Errors: ServiceQuotaExceededException, ValidationException (tags),
// ConflictException (client token).
func (s *Service) CreateLicenseEndpoint(
	ctx context.Context, in *deadline.CreateLicenseEndpointInput,
) (*deadline.CreateLicenseEndpointOutput, error) {
	w := write{operation: "CreateLicenseEndpoint", clientToken: in.ClientToken, input: in}
	return configure(ctx, s, "", w, func(now time.Time) (*deadline.CreateLicenseEndpointOutput, scheduler.Command, error) {
		if err := s.admitGlobal(ctx, row.KindLicenseEndpoint, s.quotas.licenseEndpoints()); err != nil {
			return nil, nil, err
		}
		id := newID(prefixLicenseEndpoint)
		if err := s.tagNew(ctx, "", s.licenseEndpointARN(id), in.Tags); err != nil {
			return nil, nil, err
		}
		r := resource[licenseEndpointDocument]{
			Resource: row.Resource{Kind: row.KindLicenseEndpoint, ID: id, Stamp: created(ctx, now)},
			Doc:      licenseEndpointDocument{VPCID: in.VpcId, SubnetIDs: in.SubnetIds, SecurityGroupIDs: in.SecurityGroupIds},
		}
		command, err := r.put()
		return &deadline.CreateLicenseEndpointOutput{LicenseEndpointId: id}, command, err
	})
}

// GetLicenseEndpoint describes a license endpoint. Its DNS name is that of the site's license server.
func (s *Service) GetLicenseEndpoint(
	ctx context.Context, in *deadline.GetLicenseEndpointInput,
) (*deadline.GetLicenseEndpointOutput, error) {
	r, err := s.licenseEndpoint(ctx, in.LicenseEndpointId)
	if err != nil {
		return nil, err
	}
	status, message := s.licenseStatus()
	return &deadline.GetLicenseEndpointOutput{
		LicenseEndpointId: r.ID, Status: status, StatusMessage: message, VpcId: text(r.Doc.VPCID), DnsName: text(s.licensing.DNSName),
		SubnetIds: r.Doc.SubnetIDs, SecurityGroupIds: r.Doc.SecurityGroupIDs,
	}, nil
}

// ListLicenseEndpoints lists the license endpoints by age.
func (s *Service) ListLicenseEndpoints(
	ctx context.Context, in *deadline.ListLicenseEndpointsInput,
) (*deadline.ListLicenseEndpointsOutput, error) {
	rows, next, err := list(ctx, s, listing[store.ResourceCursor, resource[licenseEndpointDocument]]{
		operation: "ListLicenseEndpoints", input: in, maxResults: in.MaxResults, nextToken: in.NextToken,
		read: readDocuments[licenseEndpointDocument](s, row.KindLicenseEndpoint, ""), cursor: documentCursor[licenseEndpointDocument],
	})
	if err != nil {
		return nil, err
	}
	status, message := s.licenseStatus()
	endpoints := make([]deadline.LicenseEndpointSummary, len(rows))
	for i := range rows {
		endpoints[i] = deadline.LicenseEndpointSummary{
			LicenseEndpointId: &rows[i].ID, Status: status, StatusMessage: &message, VpcId: text(rows[i].Doc.VPCID),
		}
	}
	return &deadline.ListLicenseEndpointsOutput{LicenseEndpoints: endpoints, NextToken: next}, nil
}

// DeleteLicenseEndpoint deletes a license endpoint with its products, at once.
func (s *Service) DeleteLicenseEndpoint(
	ctx context.Context, in *deadline.DeleteLicenseEndpointInput,
) (*deadline.DeleteLicenseEndpointOutput, error) {
	w := write{operation: "DeleteLicenseEndpoint", input: in}
	out, err := configure(ctx, s, "", w, func(time.Time) (*deadline.DeleteLicenseEndpointOutput, scheduler.Command, error) {
		_, err := s.licenseEndpoint(ctx, in.LicenseEndpointId)
		return &deadline.DeleteLicenseEndpointOutput{},
			scheduler.DeleteResource{Kind: row.KindLicenseEndpoint, ID: in.LicenseEndpointId}, err
	})
	if err == nil {
		s.untagDeleted(ctx, "", s.licenseEndpointARN(in.LicenseEndpointId))
	}
	return out, err
}

// product finds a product in the catalogue; ResourceNotFoundException when the installation does not offer it.
func (s *Service) product(id string) (*deadline.MeteredProductSummary, error) {
	i, there := slices.BinarySearchFunc(s.licensing.Products, id, compareProduct)
	if !there {
		return nil, notFound(typeMeteredProduct, id)
	}
	return &s.licensing.Products[i], nil
}

func compareProduct(p deadline.MeteredProductSummary, id string) int {
	return strings.Compare(p.ProductId, id)
}

// PutMeteredProduct adds a product of the catalogue to a license endpoint, where it may be already. Errors: ResourceNotFoundException
// (endpoint, product).
func (s *Service) PutMeteredProduct(
	ctx context.Context, in *deadline.PutMeteredProductInput,
) (*deadline.PutMeteredProductOutput, error) {
	return &deadline.PutMeteredProductOutput{},
		s.changeProducts(ctx, "PutMeteredProduct", in, in.LicenseEndpointId, func(products []string) ([]string, error) {
			i, there := slices.BinarySearch(products, in.ProductId)
			if there {
				return products, nil
			}
			_, err := s.product(in.ProductId)
			return slices.Insert(products, i, in.ProductId), err
		})
}

// DeleteMeteredProduct removes a product from a license endpoint. Errors: ResourceNotFoundException (endpoint, product).
func (s *Service) DeleteMeteredProduct(
	ctx context.Context, in *deadline.DeleteMeteredProductInput,
) (*deadline.DeleteMeteredProductOutput, error) {
	return &deadline.DeleteMeteredProductOutput{},
		s.changeProducts(ctx, "DeleteMeteredProduct", in, in.LicenseEndpointId, func(products []string) ([]string, error) {
			i, there := slices.BinarySearch(products, in.ProductId)
			if !there {
				return nil, notFound(typeMeteredProduct, in.ProductId)
			}
			return slices.Delete(products, i, i+1), nil
		})
}

func (s *Service) changeProducts(
	ctx context.Context, operation string, input any, endpointID string, change func([]string) ([]string, error),
) error {
	w := write{operation: operation, input: input}
	_, err := configure(ctx, s, "", w, func(now time.Time) (*struct{}, scheduler.Command, error) {
		r, err := s.licenseEndpoint(ctx, endpointID)
		if err != nil {
			return nil, nil, err
		}
		before := len(r.Doc.Products)
		if r.Doc.Products, err = change(r.Doc.Products); err != nil {
			return nil, nil, err
		}
		if len(r.Doc.Products) == before {
			return &struct{}{}, nil, nil
		}
		touch(ctx, now, &r.Stamp)
		command, err := r.put()
		return &struct{}{}, command, err
	})
	return err
}

// ListMeteredProducts lists the products of a license endpoint by id: those that the installation still offers.
func (s *Service) ListMeteredProducts(
	ctx context.Context, in *deadline.ListMeteredProductsInput,
) (*deadline.ListMeteredProductsOutput, error) {
	r, err := s.licenseEndpoint(ctx, in.LicenseEndpointId)
	if err != nil {
		return nil, err
	}
	products, next, err := s.productPage(ctx, "ListMeteredProducts", in, in.MaxResults, in.NextToken, func(id string) bool {
		_, there := slices.BinarySearch(r.Doc.Products, id)
		return there
	})
	return &deadline.ListMeteredProductsOutput{MeteredProducts: products, NextToken: next}, err
}

// ListAvailableMeteredProducts lists the catalogue by id.
func (s *Service) ListAvailableMeteredProducts(
	ctx context.Context, in *deadline.ListAvailableMeteredProductsInput,
) (*deadline.ListAvailableMeteredProductsOutput, error) {
	products, next, err := s.productPage(ctx, "ListAvailableMeteredProducts", in, in.MaxResults, in.NextToken, nil)
	return &deadline.ListAvailableMeteredProductsOutput{MeteredProducts: products, NextToken: next}, err
}

// productPage is one page of the catalogue, of the products that keep keeps.
func (s *Service) productPage(
	ctx context.Context, operation string, input any, maxResults *int32, nextToken *string, keep func(id string) bool,
) ([]deadline.MeteredProductSummary, *string, error) {
	rows, next, err := list(ctx, s, listing[string, deadline.MeteredProductSummary]{
		operation: operation, input: input, maxResults: maxResults, nextToken: nextToken,
		read: func(_ context.Context, after string, limit int) ([]deadline.MeteredProductSummary, error) {
			i, there := slices.BinarySearchFunc(s.licensing.Products, after, compareProduct)
			if there {
				i++
			}
			rest := s.licensing.Products[i:]
			return rest[:min(limit, len(rest))], nil
		},
		cursor: func(p *deadline.MeteredProductSummary) string { return p.ProductId },
		keep:   keepIf(keep != nil, func(p *deadline.MeteredProductSummary) bool { return keep(p.ProductId) }),
	})
	if rows == nil {
		rows = []deadline.MeteredProductSummary{}
	}
	return rows, next, err
}
