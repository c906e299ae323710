namespace Lepton.AspireHosting.Tests;

public sealed class ModelTests
{
    private readonly IDistributedApplicationBuilder builder
        = DistributedApplication.CreateBuilder(["--Parameters:a_b=under", "--Parameters:c=plain"]);

    [Theory]
    [InlineData("")]
    [InlineData("1abc")]
    [InlineData("a_b")]
    [InlineData("a--b")]
    [InlineData("a-")]
    public void Name_ThatIsNoLabel_IsRefused(string name)
        => Assert.ThrowsAny<ArgumentException>(() => builder.AddExecutable(name, "x", "."));

    [Fact]
    public void Name_Twice_IsRefusedWhateverItsCase()
    {
        builder.AddExecutable("one", "x", ".");

        Assert.Throws<DistributedApplicationException>(() => builder.AddExecutable("ONE", "x", "."));
    }

    [Fact]
    public async Task Parameter_WithHyphen_IsFoundUnderscored()
    {
        Assert.Equal("under", await builder.AddParameter("a-b").Resource.GetValueAsync(default));
        Assert.Equal("plain", await builder.AddParameter("c").Resource.GetValueAsync(default));
        await Assert.ThrowsAsync<MissingParameterValueException>(
            async () => await builder.AddParameter("d").Resource.GetValueAsync(default));
    }

    [Fact]
    public async Task Expression_WithExpressionsAndBraces_KeepsOrderAndText()
    {
        ParameterResource first = builder.AddParameter("c").Resource;
        ParameterResource second = builder.AddParameter("a-b").Resource;
        ReferenceExpression inner = ReferenceExpression.Create($"({second})");

        ReferenceExpression outer = ReferenceExpression.Create($"{{{first}}}{inner}{first}");

        Assert.Equal("{plain}(under)plain", await outer.GetValueAsync(default));
        Assert.Equal("{{c.value}}({a-b.value}){c.value}", outer.ValueExpression);
    }

    [Fact]
    public void Endpoint_Named_Twice_IsRefused()
    {
        IResourceBuilder<ExecutableResource> tool = builder.AddExecutable("tool", "x", ".").WithHttpEndpoint();

        Assert.Throws<DistributedApplicationException>(() => tool.WithHttpEndpoint());
    }

    [Fact]
    public void HttpHealthCheck_WithoutHttpEndpoint_IsRefused()
        => Assert.Throws<DistributedApplicationException>(
            () => builder.AddExecutable("tool", "x", ".").WithEndpoint(name: "tcp").WithHttpHealthCheck());

    [Fact]
    public void WaitFor_Itself_IsRefused()
    {
        IResourceBuilder<ExecutableResource> tool = builder.AddExecutable("tool", "x", ".");

        Assert.Throws<DistributedApplicationException>(() => tool.WaitFor(tool));
    }

    [Theory]
    [InlineData("store", "store:latest")]
    [InlineData("store:2", "store:2")]
    [InlineData("host:5000/a/store", "host:5000/a/store:latest")]
    [InlineData("a/store@sha256:00ff", "a/store@sha256:00ff")]
    public void Image_AsWritten_HasRegistryTagAndDigest(string image, string expected)
    {
        Assert.True(builder.AddContainer("c1", image).Resource.TryGetContainerImageName(out string? name));
        Assert.Equal(expected, name);
    }

    [Fact]
    public async Task Endpoint_NotAllocated_IsAwaited()
    {
        EndpointReference endpoint = builder.AddExecutable("tool", "x", ".").WithHttpEndpoint().GetEndpoint("http");
        ValueTask<string?> address = endpoint.GetValueAsync();
        Assert.False(address.IsCompleted);

        endpoint.EndpointAnnotation.AllocatedEndpoint
            = new AllocatedEndpoint(endpoint.EndpointAnnotation, "localhost", 81);

        Assert.Equal("http://localhost:81", await address);
        Assert.Equal("localhost:81", await endpoint.Property(EndpointProperty.HostAndPort).GetValueAsync());
    }

    [Fact]
    public void Transport_PlainHttpDashboard_NeedsToBeAllowed()
    {
        DistributedApplicationException refusal = Assert.Throws<DistributedApplicationException>(
            () => Aspire.Hosting.Dashboard.DashboardSettings.From(builder.Configuration));

        Assert.Contains("ASPIRE_ALLOW_UNSECURED_TRANSPORT", refusal.Message, StringComparison.Ordinal);
    }
}
