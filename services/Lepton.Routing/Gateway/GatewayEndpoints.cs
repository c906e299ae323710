namespace Lepton.Routing.Gateway;

/// <summary>The protocol's methods and who answers each.</summary>
internal static class GatewayEndpoints
{
    public static WebApplication MapGateway(this WebApplication app)
    {
        UnaryGateway unary = app.Services.GetRequiredService<UnaryGateway>();
        StreamGateway stream = app.Services.GetRequiredService<StreamGateway>();
        RepositoryGateway repository = app.Services.GetRequiredService<RepositoryGateway>();
        foreach (GatewayMethod method in (GatewayMethod[])
            [GatewayMethod.ModelInfer, GatewayMethod.ModelReady, GatewayMethod.ModelMetadata,
                GatewayMethod.ModelConfig])
            app.MapPost(method.Path, (RequestDelegate)(http => unary.HandleAsync(http, method)));
        app.MapPost(GatewayMethod.ModelStreamInfer.Path, (RequestDelegate)stream.HandleAsync);
        Map(app, "ServerLive", repository.ServerLiveAsync);
        Map(app, "ServerReady", repository.ServerReadyAsync);
        Map(app, "ServerMetadata", repository.ServerMetadataAsync);
        Map(app, "RepositoryIndex", repository.IndexAsync);
        Map(app, "ModelStatistics", repository.StatisticsAsync);
        Map(app, "RepositoryModelLoad", repository.LoadAsync);
        Map(app, "RepositoryModelUnload", repository.UnloadAsync);
        app.MapPost($"/{GatewayMethod.Service}/{{method}}", (RequestDelegate)(http =>
            repository.NotOfferedAsync(http, (string?)http.Request.RouteValues["method"] ?? "")));
        return app;
    }

    private static void Map(WebApplication app, string method, RequestDelegate handler) =>
        app.MapPost($"/{GatewayMethod.Service}/{method}", handler);
}
