// What JavaScript calls. Only translates; src/engine/native/addon.ts describes it.
#include <arpa/inet.h>
#include <napi.h>

#include <cstring>
#include <memory>
#include <string>
#include <system_error>

#include "engine.h"
#include "socket.h"

namespace seamless {
namespace {

constexpr size_t kNumbersPerEvent = 25;

// As src/engine/native/native-events.ts has them.
double* write_end(double* next, const End& end) {
  *next++ = end.family == AF_UNSPEC ? 0 : end.family == AF_INET ? 4 : 6;
  *next++ = ntohs(end.port);
  for (size_t word = 0; word < sizeof end.address; word += 4) {
    uint32_t bits;
    std::memcpy(&bits, end.address + word, sizeof bits);
    *next++ = ntohl(bits);
  }
  return next;
}

double* write_account(double* next, const Account& account) {
  for (const uint64_t number : {account.wait_ms, account.open_ms, account.bytes_in, account.bytes_out})
    *next++ = static_cast<double>(number);
  return next;
}

uint32_t to_uint32(const Napi::Value& value) { return value.As<Napi::Number>().Uint32Value(); }

uint64_t to_uint64(const Napi::Value& value) {
  return static_cast<uint64_t>(value.As<Napi::Number>().Int64Value());
}

std::vector<uint32_t> to_numbers(const Napi::Value& value) {
  const auto array = value.As<Napi::Uint32Array>();
  return {array.Data(), array.Data() + array.ElementLength()};
}

Address to_address(const Napi::Value& endpoint) {
  const auto object = endpoint.As<Napi::Object>();
  return parse_address(object.Get("host").As<Napi::String>(), static_cast<uint16_t>(to_uint32(object.Get("port"))));
}

Settings to_settings(const Napi::Value& value) {
  const auto object = value.As<Napi::Object>();
  Settings settings;
  settings.connect_timeout_ms = to_uint64(object.Get("connectTimeoutMs"));
  settings.max_attempts = to_uint32(object.Get("maxAttempts"));
  settings.idle_timeout_ms = to_uint64(object.Get("idleTimeoutMs"));
  settings.half_close_timeout_ms = to_uint64(object.Get("halfCloseTimeoutMs"));
  settings.send_proxy = to_uint32(object.Get("sendProxy"));
  const auto proxies = object.Get("acceptProxyFrom").As<Napi::Array>();
  for (uint32_t i = 0; i < proxies.Length(); i++)
    settings.proxies.emplace_back(proxies.Get(i).As<Napi::String>().Utf8Value());
  settings.limits = {to_uint32(object.Get("maxConnections")), to_uint32(object.Get("maxConnectionsPerClient")),
                     to_uint32(object.Get("maxAcceptsPerSecond"))};
  return settings;
}

// A new socket at a host and port or a path, or one that the process was given.
int to_listening_socket(const Napi::Object& binding) {
  if (binding.Has("path")) return open_listener(path_address(binding.Get("path").As<Napi::String>()));
  if (!binding.Has("descriptor")) return open_listener(to_address(binding));
  const int fd = binding.Get("descriptor").As<Napi::Number>().Int32Value();
  adopt_listener(fd);
  return fd;
}

// An errno as node has it: the name is added in JavaScript.
Napi::Error to_error(Napi::Env env, const std::system_error& error) {
  Napi::Error converted = Napi::Error::New(env, error.what());
  converted.Set("errno", Napi::Number::New(env, -error.code().value()));
  return converted;
}

}  // namespace

class EngineBinding : public Napi::ObjectWrap<EngineBinding> {
 public:
  static Napi::Function define(Napi::Env env) {
    return DefineClass(env, "Engine",
                       {
                           InstanceMethod<&EngineBinding::create>("create"),
                           InstanceMethod<&EngineBinding::configure>("configure"),
                           InstanceMethod<&EngineBinding::open>("open"),
                           InstanceMethod<&EngineBinding::shut>("shut"),
                           InstanceMethod<&EngineBinding::apply>("apply"),
                           InstanceMethod<&EngineBinding::set_paused>("setPaused"),
                           InstanceMethod<&EngineBinding::let_go>("letGo"),
                           InstanceMethod<&EngineBinding::refuse_held>("refuseHeld"),
                           InstanceMethod<&EngineBinding::cut>("cut"),
                           InstanceMethod<&EngineBinding::close_idle>("closeIdle"),
                           InstanceMethod<&EngineBinding::oldest_unix_ms>("oldestUnixMs"),
                           InstanceMethod<&EngineBinding::stop_accepting>("stopAccepting"),
                           InstanceMethod<&EngineBinding::abort_all>("abortAll"),
                           InstanceMethod<&EngineBinding::forget>("forget"),
                           InstanceMethod<&EngineBinding::page>("page"),
                           InstanceMethod<&EngineBinding::collect>("collect"),
                           InstanceMethod<&EngineBinding::stop>("stop"),
                       });
  }

  explicit EngineBinding(const Napi::CallbackInfo& info) : ObjectWrap(info) {
    Napi::Env env = info.Env();
    wake_ = Napi::ThreadSafeFunction::New(env, info[3].As<Napi::Function>(), "seamless", 0, 1);
    engine_ = std::make_unique<Engine>(to_uint32(info[0]), static_cast<int64_t>(to_uint64(info[1])),
                                       info[2].As<Napi::Boolean>().Value(), [this] { wake_.NonBlockingCall(); });
    // Before the function above is torn down with the environment: hooks run in reverse order.
    hook_ = env.AddCleanupHook(end_with_environment, this);
  }

  ~EngineBinding() override { end(); }

 private:
  Napi::Value create(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), engine().create(to_settings(info[0]), to_uint32(info[1])));
  }

  void configure(const Napi::CallbackInfo& info) { engine().configure(to_uint32(info[0]), to_settings(info[1])); }

  Napi::Value open(const Napi::CallbackInfo& info) {
    try {
      const int fd = to_listening_socket(info[1].As<Napi::Object>());
      const auto [host, port] = local_address(fd);
      engine().open(to_uint32(info[0]), fd);
      auto opened = Napi::Object::New(info.Env());
      opened.Set("descriptor", fd);
      opened.Set("host", host);
      opened.Set("port", port);
      return opened;
    } catch (const std::system_error& error) {
      throw to_error(info.Env(), error);
    }
  }

  void shut(const Napi::CallbackInfo& info) {
    engine().shut(to_uint32(info[0]), info[1].As<Napi::Number>().Int32Value());
  }

  void apply(const Napi::CallbackInfo& info) {
    const auto table = info[1].As<Napi::Object>();
    const auto targets = table.Get("targets").As<Napi::Array>();
    Table::Content content;
    for (uint32_t i = 0; i < targets.Length(); i++) {
      const auto target = targets.Get(i).As<Napi::Object>();
      const auto endpoints = target.Get("endpoints").As<Napi::Array>();
      std::vector<Address> addresses;
      for (uint32_t k = 0; k < endpoints.Length(); k++) addresses.push_back(to_address(endpoints.Get(k)));
      content.targets.push_back(
          {engine().slot(to_uint32(target.Get("slot"))), std::move(addresses), to_uint32(target.Get("weight"))});
    }
    content.sequence = to_numbers(table.Get("sequence"));
    content.carry = to_numbers(table.Get("carry"));
    content.choice = static_cast<Choice>(to_uint32(table.Get("choice")));
    content.hold_ms = to_uint64(table.Get("holdMs"));
    content.generation = to_uint64(table.Get("generation"));
    engine().apply(to_uint32(info[0]), std::move(content), to_numbers(table.Get("left")));
  }

  void set_paused(const Napi::CallbackInfo& info) {
    engine().set_paused(to_uint32(info[0]), info[1].As<Napi::Boolean>());
  }

  void let_go(const Napi::CallbackInfo& info) { engine().let_go(to_uint32(info[0]), to_uint64(info[1])); }

  void refuse_held(const Napi::CallbackInfo& info) {
    engine().refuse_held(to_uint32(info[0]), to_uint64(info[1]), static_cast<Cause>(to_uint32(info[2])));
  }

  Napi::Value cut(const Napi::CallbackInfo& info) {
    const size_t cut = engine().cut(to_uint32(info[0]), to_uint32(info[1]), to_uint32(info[2]));
    return Napi::Number::New(info.Env(), static_cast<double>(cut));
  }

  Napi::Value close_idle(const Napi::CallbackInfo& info) {
    const size_t closed = engine().close_idle(to_uint32(info[0]), to_uint32(info[1]), to_uint64(info[2]));
    return Napi::Number::New(info.Env(), static_cast<double>(closed));
  }

  Napi::Value oldest_unix_ms(const Napi::CallbackInfo& info) {
    const auto oldest = engine().oldest_unix_ms(to_uint32(info[0]), to_uint32(info[1]));
    return oldest ? Napi::Number::New(info.Env(), static_cast<double>(*oldest)) : info.Env().Undefined();
  }

  void stop_accepting(const Napi::CallbackInfo& info) { engine().stop_accepting(to_uint32(info[0])); }

  Napi::Value abort_all(const Napi::CallbackInfo& info) {
    return Napi::Number::New(info.Env(), static_cast<double>(engine().abort_all(to_uint32(info[0]))));
  }

  void forget(const Napi::CallbackInfo& info) { engine().forget(to_uint32(info[0])); }

  Napi::Value page(const Napi::CallbackInfo& info) {
    auto* page = new std::shared_ptr<CounterPage>(engine().page(to_uint32(info[0])));
    return Napi::ArrayBuffer::New(
        info.Env(), (*page)->data(), (*page)->bytes(),
        [](Napi::BasicEnv, void*, std::shared_ptr<CounterPage>* kept) { delete kept; }, page);
  }

  Napi::Value collect(const Napi::CallbackInfo& info) {
    const auto events = engine_ ? engine_->events() : std::vector<Event>();
    auto numbers = Napi::Float64Array::New(info.Env(), events.size() * kNumbersPerEvent);
    double* next = numbers.Data();
    for (const Event& event : events) {
      *next++ = static_cast<double>(event.type);
      *next++ = event.listener;
      *next++ = event.slot;
      *next++ = static_cast<double>(event.reason);
      *next++ = static_cast<double>(event.thread);
      *next++ = static_cast<double>(event.number);
      *next++ = static_cast<double>(event.more);
      *next++ = static_cast<double>(event.generation);
      *next++ = static_cast<double>(event.of.number);
      next = write_end(next, event.of.client);
      next = write_account(next, event.account);
      next = write_end(next, event.tried);
    }
    return numbers;
  }

  void stop(const Napi::CallbackInfo& info) {
    if (!engine_) return;
    end();
    hook_.Remove(info.Env());
  }

  static void end_with_environment(EngineBinding* self) { self->end(); }

  Engine& engine() {
    if (!engine_) throw Napi::Error::New(Env(), "the engine was stopped");
    return *engine_;
  }

  void end() {
    if (!engine_) return;
    engine_.reset();
    wake_.Release();
  }

  Napi::ThreadSafeFunction wake_;
  std::unique_ptr<Engine> engine_;
  Napi::BasicEnv::CleanupHook<void (*)(EngineBinding*), EngineBinding> hook_;
};

}  // namespace seamless

static Napi::Object initialize(Napi::Env env, Napi::Object exports) {
  exports.Set("Engine", seamless::EngineBinding::define(env));
  return exports;
}

NODE_API_MODULE(seamless_native, initialize)
