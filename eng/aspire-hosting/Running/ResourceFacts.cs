using System.Collections.Immutable;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.Running;

/// <summary>What a resource's snapshots say before and besides its process.</summary>
internal static class ResourceFacts
{
    public static async Task<CustomResourceSnapshot> InitialAsync(
        IResource resource, CancellationToken cancellationToken)
    {
        CustomResourceSnapshot first = ResourceInstances.InitialSnapshot(resource) with
        {
            Relationships = [.. resource.Annotations.OfType<ResourceRelationshipAnnotation>()
                .Select(r => new RelationshipSnapshot(r.Resource.Name, r.Type)).Distinct()],
        };
        return resource switch
        {
            ParameterResource parameter => await ParameterAsync(first, parameter, cancellationToken)
                .ConfigureAwait(false),
            ProjectResource project => first with
            {
                State = KnownResourceStates.NotStarted,
                Properties = SnapshotFacts.Set(
                    first.Properties, [("project.path", project.GetProjectMetadata().ProjectPath)]),
            },
            ExecutableResource or ContainerResource => first with { State = KnownResourceStates.NotStarted },
            _ => first,
        };
    }

    /// <summary>The endpoints' addresses, then what WithUrl and WithUrls add or change.</summary>
    public static async Task<ImmutableArray<UrlSnapshot>> UrlsAsync(
        IResource resource, IServiceProvider services, CancellationToken cancellationToken)
    {
        var urls = new List<ResourceUrlAnnotation>();
        if (resource is IResourceWithEndpoints owner)
            urls.AddRange(owner.GetEndpoints().Select(e => new ResourceUrlAnnotation { Url = e.Url, Endpoint = e }));
        urls.AddRange(resource.Annotations.OfType<ResourceUrlAnnotation>());
        var context = new ResourceUrlsCallbackContext(
            services.GetRequiredService<DistributedApplicationExecutionContext>(), resource, urls, cancellationToken);
        foreach (var callback in resource.Annotations.OfType<ResourceUrlsCallbackAnnotation>())
            await callback.Callback(context).ConfigureAwait(false);
        return [.. urls.Select(u => new UrlSnapshot(
            u.Endpoint?.EndpointName, u.Url, u.DisplayLocation == UrlDisplayLocation.DetailsOnly)
        {
            DisplayProperties = new UrlDisplayPropertiesSnapshot(u.DisplayText ?? "", u.DisplayOrder ?? 0),
        })];
    }

    private static async Task<CustomResourceSnapshot> ParameterAsync(
        CustomResourceSnapshot first, ParameterResource parameter, CancellationToken cancellationToken)
    {
        try
        {
            string? value = await parameter.GetValueAsync(cancellationToken).ConfigureAwait(false);
            return first with
            {
                State = new ResourceStateSnapshot(KnownResourceStates.Running, KnownResourceStateStyles.Success),
                Properties = [new ResourcePropertySnapshot("Value", value) { IsSensitive = parameter.Secret }],
            };
        }
        catch (MissingParameterValueException e)
        {
            return first with
            {
                State = new ResourceStateSnapshot(KnownResourceStates.ValueMissing, KnownResourceStateStyles.Warn),
                Properties = [new ResourcePropertySnapshot("Value", e.Message)],
            };
        }
    }
}
