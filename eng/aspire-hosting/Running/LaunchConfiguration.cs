using System.Globalization;
using Aspire.Hosting.ApplicationModel;
using Microsoft.Extensions.Logging;

namespace Aspire.Hosting.Running;

/// <summary>A resource's environment and arguments: its callbacks in the order of the model, values resolved.</summary>
internal sealed class LaunchConfiguration
{
    public required IReadOnlyDictionary<string, (object Raw, string Value)> Environment { get; init; }

    public required IReadOnlyList<(object Raw, string Value)> Arguments { get; init; }

    /// <summary>In publish mode values are what a manifest calls them. Waits for endpoints that are not allocated.
    /// </summary>
    public static async Task<LaunchConfiguration> ResolveAsync(
        IResource resource, DistributedApplicationExecutionContext context, ILogger logger,
        CancellationToken cancellationToken)
    {
        var environment = new EnvironmentCallbackContext(context, resource, [], cancellationToken) { Logger = logger };
        foreach (EnvironmentCallbackAnnotation callback in resource.Annotations
            .OfType<EnvironmentCallbackAnnotation>().ToArray())
            await callback.Callback(environment).ConfigureAwait(false);
        var arguments = new CommandLineArgsCallbackContext([], resource, cancellationToken)
        {
            ExecutionContext = context,
            Logger = logger,
        };
        foreach (CommandLineArgsCallbackAnnotation callback in resource.Annotations
            .OfType<CommandLineArgsCallbackAnnotation>().ToArray())
            await callback.Callback(arguments).ConfigureAwait(false);

        var value = new ValueProviderContext { Caller = resource, ExecutionContext = context };
        var variables = new Dictionary<string, (object, string)>();
        foreach ((string name, object raw) in environment.EnvironmentVariables)
        {
            if (await ValueOfAsync(raw, value, cancellationToken).ConfigureAwait(false) is { } text)
                variables[name] = (raw, text);
        }

        var resolved = new List<(object, string)>();
        foreach (object raw in arguments.Args)
        {
            if (await ValueOfAsync(raw, value, cancellationToken).ConfigureAwait(false) is { } text)
                resolved.Add((raw, text));
        }

        return new LaunchConfiguration { Environment = variables, Arguments = resolved };
    }

    private static async Task<string?> ValueOfAsync(
        object raw, ValueProviderContext context, CancellationToken cancellationToken) => raw switch
    {
        string text => text,
        IResourceBuilder<IResource> builder => await ValueOfAsync(builder.Resource, context, cancellationToken)
            .ConfigureAwait(false),
        IManifestExpressionProvider named when context.ExecutionContext is { IsPublishMode: true }
            => named.ValueExpression,
        IValueProvider provider => await provider.GetValueAsync(context, cancellationToken).ConfigureAwait(false),
        IFormattable formattable => formattable.ToString(null, CultureInfo.InvariantCulture),
        bool truth => truth ? bool.TrueString : bool.FalseString,
        _ => throw new DistributedApplicationException(
            $"A value of type '{raw.GetType()}' cannot be an argument or environment variable."),
    };
}
