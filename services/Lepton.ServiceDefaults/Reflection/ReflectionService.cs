using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;

namespace Lepton.ServiceDefaults;

/// <summary>grpc.reflection.v1 over the descriptors of the offered services.</summary>
internal sealed class ReflectionService : ServerReflection.ServerReflectionBase
{
    private readonly OfferedServices offered;
    private readonly Dictionary<string, FileDescriptor> filesByName = [];
    private readonly Dictionary<string, FileDescriptor> filesBySymbol = [];

    public ReflectionService(OfferedServices offered)
    {
        this.offered = offered;
        foreach (var service in offered.Services)
            Add(service.File);
    }

    public override async Task ServerReflectionInfo(IAsyncStreamReader<ServerReflectionRequest> requestStream,
        IServerStreamWriter<ServerReflectionResponse> responseStream, ServerCallContext context)
    {
        await foreach (var request in requestStream.ReadAllAsync(context.CancellationToken))
        {
            var response = Answer(request);
            response.ValidHost = request.Host;
            response.OriginalRequest = request;
            await responseStream.WriteAsync(response, context.CancellationToken);
        }
    }

    private ServerReflectionResponse Answer(ServerReflectionRequest request) => request.MessageRequestCase switch
    {
        ServerReflectionRequest.MessageRequestOneofCase.ListServices => ListServices(),
        ServerReflectionRequest.MessageRequestOneofCase.FileByFilename =>
            File(filesByName.GetValueOrDefault(request.FileByFilename), request.FileByFilename),
        ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol =>
            File(filesBySymbol.GetValueOrDefault(request.FileContainingSymbol), request.FileContainingSymbol),
        // proto3 contracts have no extensions.
        ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension =>
            Error(StatusCode.NotFound, $"No extension of {request.FileContainingExtension.ContainingType}."),
        ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType =>
            Error(StatusCode.NotFound, $"No extension of {request.AllExtensionNumbersOfType}."),
        _ => Error(StatusCode.InvalidArgument, "message_request takes one of its five forms."),
    };

    private ServerReflectionResponse ListServices()
    {
        var list = new ListServiceResponse();
        list.Service.AddRange(offered.Services.Select(s => new ServiceResponse { Name = s.FullName }));
        return new ServerReflectionResponse { ListServicesResponse = list };
    }

    private static ServerReflectionResponse File(FileDescriptor? file, string asked)
    {
        if (file is null)
            return Error(StatusCode.NotFound, $"{asked} is not known here.");
        var files = new Dictionary<string, ByteString>();
        Collect(file, files);
        return new ServerReflectionResponse
        {
            FileDescriptorResponse = new FileDescriptorResponse { FileDescriptorProto = { files.Values } },
        };
    }

    private static void Collect(FileDescriptor file, Dictionary<string, ByteString> files)
    {
        if (!files.TryAdd(file.Name, file.SerializedData))
            return;
        foreach (var dependency in file.Dependencies)
            Collect(dependency, files);
    }

    private static ServerReflectionResponse Error(StatusCode code, string message) => new()
    {
        ErrorResponse = new ErrorResponse { ErrorCode = (int)code, ErrorMessage = message },
    };

    private void Add(FileDescriptor file)
    {
        if (!filesByName.TryAdd(file.Name, file))
            return;
        foreach (var message in file.MessageTypes)
            Add(message);
        foreach (var enumeration in file.EnumTypes)
            filesBySymbol[enumeration.FullName] = file;
        foreach (var service in file.Services)
        {
            filesBySymbol[service.FullName] = file;
            foreach (var method in service.Methods)
                filesBySymbol[method.FullName] = file;
        }
        foreach (var dependency in file.Dependencies)
            Add(dependency);
    }

    private void Add(MessageDescriptor message)
    {
        filesBySymbol[message.FullName] = message.File;
        foreach (var nested in message.NestedTypes)
            Add(nested);
        foreach (var enumeration in message.EnumTypes)
            filesBySymbol[enumeration.FullName] = message.File;
    }
}
