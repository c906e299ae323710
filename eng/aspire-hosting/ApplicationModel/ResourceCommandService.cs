using Aspire.Hosting.Running;
using Microsoft.Extensions.DependencyInjection;

namespace Aspire.Hosting.ApplicationModel;

/// <summary>Runs a resource's commands: start, stop, restart.</summary>
public class ResourceCommandService
{
    private readonly IServiceProvider services;

    internal ResourceCommandService(IServiceProvider services) => this.services = services;

    /// <summary>On every instance of the resource.</summary>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(
        IResource resource, string commandName, CancellationToken cancellationToken = default)
    {
        ExecuteCommandResult[] results = await Task.WhenAll(
            ResourceInstances.Of(resource).Select(id => ExecuteCommandAsync(id, commandName, cancellationToken)))
            .ConfigureAwait(false);
        return Array.Find(results, r => !r.Success) ?? results[0];
    }

    /// <param name="resourceId">An instance's id, or the name of a resource with one instance.</param>
    public async Task<ExecuteCommandResult> ExecuteCommandAsync(
        string resourceId, string commandName, CancellationToken cancellationToken = default)
    {
        ProcessRunner runner = services.GetRequiredService<ProcessRunner>();
        RunningInstance? instance = runner.Find(resourceId)
            ?? runner.Instances.SingleOrDefault(i => i.Resource.Name == resourceId);
        if (instance is null)
            return Failed($"Resource '{resourceId}' not found.");
        Func<RunningInstance, CancellationToken, Task>? command = commandName switch
        {
            "start" => runner.StartAsync,
            "stop" => runner.StopAsync,
            "restart" => runner.RestartAsync,
            _ => null,
        };
        if (command is null)
            return Failed($"Command '{commandName}' not available for resource '{resourceId}'.");
        try
        {
            await command(instance, cancellationToken).ConfigureAwait(false);
            return new ExecuteCommandResult { Success = true };
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new ExecuteCommandResult { Success = false, Canceled = true };
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            return Failed($"Command '{commandName}' failed for resource '{resourceId}': {e.Message}");
        }
    }

    private static ExecuteCommandResult Failed(string message) => new() { Success = false, Message = message };
}

public sealed class ExecuteCommandResult
{
    public required bool Success { get; init; }

    public bool Canceled { get; init; }

    public string? Message { get; init; }
}
