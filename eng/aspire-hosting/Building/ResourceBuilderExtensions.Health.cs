using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <param name="path">Default: "/".</param>
    /// <param name="statusCode">What counts as healthy. Default: 200.</param>
    /// <param name="endpointName">Default: the first http endpoint, else the first https endpoint.</param>
    public static IResourceBuilder<T> WithHttpHealthCheck<T>(
        this IResourceBuilder<T> builder, string? path = null, int? statusCode = null, string? endpointName = null)
        where T : IResourceWithEndpoints
        => builder.WithHttpHealthCheck(
            endpointName is null ? null : () => builder.GetEndpoint(endpointName), path, statusCode);

    public static IResourceBuilder<T> WithHttpHealthCheck<T>(
        this IResourceBuilder<T> builder, Func<EndpointReference>? endpointSelector, string? path = null,
        int? statusCode = null)
        where T : IResourceWithEndpoints
    {
        EndpointReference endpoint = (endpointSelector ?? (() => DefaultHttpEndpoint(builder)))();
        if (!endpoint.IsHttp && !endpoint.IsHttps)
            throw new DistributedApplicationException(
                $"Could not create HTTP health check for resource '{builder.Resource.Name}' as the endpoint with name "
                + $"'{endpoint.EndpointName}' and scheme '{endpoint.Scheme}' is not an HTTP endpoint.");
        int expected = statusCode ?? 200;
        string key = $"{builder.Resource.Name}_{endpoint.EndpointName}_{path ?? "/"}_{expected}_check";
        builder.ApplicationBuilder.Services.AddHealthChecks().Add(new HealthCheckRegistration(
            key,
            services => new Running.HttpHealthCheck(
                services.GetRequiredService<IHttpClientFactory>(), endpoint, path, expected),
            failureStatus: null,
            tags: null));
        return builder.WithHealthCheck(key);
    }

    private static EndpointReference DefaultHttpEndpoint<T>(IResourceBuilder<T> builder)
        where T : IResourceWithEndpoints
    {
        EndpointReference[] endpoints = [.. builder.Resource.GetEndpoints()];
        return Array.Find(endpoints, e => e.IsHttp) ?? Array.Find(endpoints, e => e.IsHttps)
            ?? throw new DistributedApplicationException(
                $"Could not create HTTP health check for resource '{builder.Resource.Name}' as no endpoint was found "
                + "matching one of the specified names: http, https");
    }
}
