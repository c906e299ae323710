using System.Net;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Health.V1;
using Grpc.Reflection.V1;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using static Grpc.Health.V1.HealthCheckResponse.Types;

namespace Lepton.ServiceDefaults.Tests;

[Collection("server")]
public sealed class HealthAndReflectionTests(ServerFixture server) : IDisposable
{
    private readonly Grpc.Net.Client.GrpcChannel channel =
        server.Installation.Channel(server.Address, server.Installation.Tenant("demo"));

    public void Dispose()
    {
        server.Health = HealthStatus.Healthy;
        channel.Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("lepton.routing.v1.RoutingService")]
    public async Task Check_KnownService_FollowsTheHealthChecks(string service)
    {
        var client = new Health.HealthClient(channel);
        var request = new HealthCheckRequest { Service = service };
        Assert.Equal(ServingStatus.Serving, (await client.CheckAsync(request)).Status);
        server.Health = HealthStatus.Unhealthy;
        Assert.Equal(ServingStatus.NotServing, (await client.CheckAsync(request)).Status);
    }

    [Fact]
    public async Task Check_UnknownService_NotFound()
    {
        var client = new Health.HealthClient(channel);
        var e = await Assert.ThrowsAsync<RpcException>(
            async () => await client.CheckAsync(new HealthCheckRequest { Service = "no.such" }));
        Assert.Equal(StatusCode.NotFound, e.StatusCode);
    }

    [Fact]
    public async Task Watch_HealthChanges_IsTold()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        using var call = new Health.HealthClient(channel).Watch(new HealthCheckRequest());
        Assert.True(await call.ResponseStream.MoveNext(deadline.Token));
        Assert.Equal(ServingStatus.Serving, call.ResponseStream.Current.Status);
        server.Health = HealthStatus.Unhealthy;
        Assert.True(await call.ResponseStream.MoveNext(deadline.Token));
        Assert.Equal(ServingStatus.NotServing, call.ResponseStream.Current.Status);
    }

    [Fact]
    public async Task Ready_ChecksFail_503WhileLive()
    {
        using var client = new HttpClient(server.Installation.Handler(server.Installation.Tenant("demo")));
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(server.Address + "/health/ready")).StatusCode);
        server.Health = HealthStatus.Unhealthy;
        var ready = await client.GetAsync(server.Address + "/health/ready");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, ready.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await client.GetAsync(server.Address + "/health/live")).StatusCode);
    }

    [Fact]
    public async Task Reflection_ListThenFile_DescribesTheServiceWithItsDependencies()
    {
        using var call = new ServerReflection.ServerReflectionClient(channel).ServerReflectionInfo();
        await call.RequestStream.WriteAsync(new ServerReflectionRequest { ListServices = "" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var names = call.ResponseStream.Current.ListServicesResponse.Service.Select(s => s.Name);
        Assert.Equal(
            [
                "lepton.routing.v1.RoutingService", "grpc.health.v1.Health", "lepton.platform.v1.AccessService",
                "grpc.reflection.v1.ServerReflection",
            ],
            names);

        await call.RequestStream.WriteAsync(
            new ServerReflectionRequest { FileContainingSymbol = "lepton.routing.v1.RoutingService.PlanRoute" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        var files = call.ResponseStream.Current.FileDescriptorResponse.FileDescriptorProto
            .Select(FileDescriptorProto.Parser.ParseFrom).ToDictionary(f => f.Name);
        Assert.Contains("PlanRoute",
            files["lepton/routing/v1/routing_service.proto"].Service[0].Method.Select(m => m.Name));
        Assert.All(files.Values.SelectMany(f => f.Dependency), d => Assert.True(files.ContainsKey(d), d));

        await call.RequestStream.WriteAsync(new ServerReflectionRequest { FileContainingSymbol = "no.such.Thing" });
        Assert.True(await call.ResponseStream.MoveNext(default));
        Assert.Equal((int)StatusCode.NotFound, call.ResponseStream.Current.ErrorResponse.ErrorCode);
        await call.RequestStream.CompleteAsync();
    }
}
