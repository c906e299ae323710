using Aspire.Hosting.ApplicationModel;

namespace Aspire.Hosting;

public static partial class ResourceBuilderExtensions
{
    /// <summary>Tells every endpoint of <paramref name="source"/>: services__source__http__0 for service discovery, and
    /// SOURCE_HTTP.</summary>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source)
        where TDestination : IResourceWithEnvironment
        => Refer(builder, source.Resource, null, null);

    /// <param name="name">The name that the variables carry instead of the resource's.</param>
    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, IResourceBuilder<IResourceWithServiceDiscovery> source,
        string name)
        where TDestination : IResourceWithEnvironment
        => Refer(builder, source.Resource, null, name);

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, EndpointReference endpointReference)
        where TDestination : IResourceWithEnvironment
        => Refer(builder, endpointReference.Resource, endpointReference.EndpointName, null);

    public static IResourceBuilder<TDestination> WithReference<TDestination>(
        this IResourceBuilder<TDestination> builder, string name, Uri uri)
        where TDestination : IResourceWithEnvironment
    {
        if (!uri.IsAbsoluteUri || uri.AbsolutePath != "/")
            throw new InvalidOperationException(
                "The uri for a service reference must be absolute, with the path \"/\".");
        return builder.WithEnvironment($"services__{name}__default__0", uri.ToString());
    }

    private static IResourceBuilder<T> Refer<T>(
        IResourceBuilder<T> builder, IResourceWithEndpoints source, string? endpointName, string? name)
        where T : IResourceWithEnvironment
    {
        EndpointReferenceAnnotation? reference = builder.Resource.Annotations.OfType<EndpointReferenceAnnotation>()
            .SingleOrDefault(r => r.Resource == source);
        if (reference is null)
        {
            reference = new EndpointReferenceAnnotation(source);
            builder.WithAnnotation(reference);
            builder.WithEnvironment(context => AddEndpoints(context, reference, name));
        }

        if (endpointName is null)
            reference.UseAllEndpoints = true;
        else
            reference.EndpointNames.Add(endpointName);
        return builder.WithRelationship(source, RelationshipTypes.Reference);
    }

    private static void AddEndpoints(
        EnvironmentCallbackContext context, EndpointReferenceAnnotation reference, string? name)
    {
        string service = name ?? reference.Resource.Name;
        string prefix = EncodeName(name ?? reference.Resource.Name.ToUpperInvariant());
        foreach (EndpointReference endpoint in reference.Resource.GetEndpoints())
        {
            bool all = reference.UseAllEndpoints && !endpoint.ExcludeReferenceEndpoint;
            if (!all && !reference.EndpointNames.Contains(endpoint.EndpointName))
                continue;
            context.EnvironmentVariables[$"{prefix}_{EncodeName(endpoint.EndpointName).ToUpperInvariant()}"] = endpoint;
            string scheme = endpoint.IsHttpSchemeNamedEndpoint ? endpoint.Scheme : endpoint.EndpointName;
            int index = 0;
            while (context.EnvironmentVariables.ContainsKey($"services__{service}__{scheme}__{index}"))
                index++;
            context.EnvironmentVariables[$"services__{service}__{scheme}__{index}"] = endpoint;
        }
    }

    /// <summary>Letters, digits and underscores only, not starting with a digit.</summary>
    private static string EncodeName(string name)
    {
        string encoded = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return encoded.Length > 0 && char.IsAsciiDigit(encoded[0]) ? "_" + encoded : encoded;
    }
}
